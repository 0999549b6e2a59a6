"""A local web page for trying a detector: open a film, correct points, and see the updated measurements.

The packages that `inference` uses compute the results. `correction` contains the state; `page` and `film_view` display it.
"""

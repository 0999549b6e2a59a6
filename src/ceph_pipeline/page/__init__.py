"""A local web page to try a detector on: open a film, correct points, watch the measurements follow.

What is shown is worked out by the packages that `inference` uses; `correction` holds the state, `page` and `film_view` show it.
"""

"""Norms that nobody has measured."""

MADE_UP = {
    "made_up": {
        "population": "phantoms",
        "sex": "both",
        "age": "none",
        "source": "made up",
        "norms": {"SNA": {"mean": 80, "sd": 2}, "SNB": {"mean": 80}},
    }
}

"""What the errors of this project have in common: their message says what was found, what was expected, and the way out."""


class CephError(Exception):
    """An error that explains itself: `kedro run` shows its message without a traceback."""


class InvalidValueError(CephError, ValueError):
    """An argument or a setting has a value that cannot be used."""

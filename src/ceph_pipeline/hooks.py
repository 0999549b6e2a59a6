"""Kedro hooks of the project."""


class QuietHook:
    """placeholder"""


class ParameterNamesHook:
    """placeholder"""


class SummaryHook:
    """placeholder"""

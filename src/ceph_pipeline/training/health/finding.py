"""What a check has to say."""

from typing import Literal, NamedTuple

Severity = Literal["info", "warning", "error"]


class Finding(NamedTuple):
    """One symptom, its evidence and its remedy.

    Attributes:
        severity: `error` where what was trained is of no use, `warning` where a setting wants to be changed.
        detail: One sentence or two with the numbers, and what the symptom cannot be told apart from.
        value: The evidence as one number.
        limit: Which the value crossed.
        setting: Dotted name of the parameter to change, without the stage's; empty where none helps.
        suggestion: Its new value, or what to do.
        hopeless: Going on is a waste.
    """

    severity: Severity
    detail: str
    value: float
    limit: float
    setting: str = ""
    suggestion: str = ""
    hopeless: bool = False

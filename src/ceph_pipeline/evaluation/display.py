"""Format numbers as text for tables and sentences."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

UNKNOWN = "–"
UNSURE = "no interval, too few images or patients"


def number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A number as text; a dash if it is unknown."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:{'+' if signed else ''}.{digits}f}"


def with_interval(value: float | None, bounds: Sequence[float] | None, digits: int = 2, *, signed: bool = False) -> str:
    """A number with its interval, `1.10 [1.06, 1.14]`; only the number without an interval."""
    shown = number(value, digits, signed=signed)
    if shown == UNKNOWN or bounds is None or any(math.isnan(bound) for bound in bounds):
        return shown
    return f"{shown} {interval(bounds, digits, signed=signed)}"


def interval(bounds: Sequence[float] | None, digits: int = 2, *, signed: bool = False) -> str:
    """An interval as text, `[1.06, 1.14]`; a dash without an interval."""
    return f"[{number(bounds[0], digits, signed=signed)}, {number(bounds[1], digits, signed=signed)}]" if bounds else UNKNOWN


def numbers(values: Iterable[float | None], digits: int = 2, *, signed: bool = False) -> list[str]:
    """A column of numbers as text."""
    return [number(value, digits, signed=signed) for value in values]


def bounded(table: pd.DataFrame, key: str, digits: int = 2, *, signed: bool = False) -> list[str]:
    """A column of numbers as text, with the intervals in `<key>_low` and `<key>_high`."""
    columns = zip(table[key], table[f"{key}_low"], table[f"{key}_high"], strict=True)
    return [with_interval(value, (low, high), digits, signed=signed) for value, low, high in columns]


def image_count(fields: Mapping[Any, Any]) -> str:
    """The number of images and, if only some have a pixel size, the number of images in mm."""
    n, in_mm = fields["n_images"], fields["n_images_mm"]
    return f"{n} ({in_mm} in mm)" if 0 < in_mm < n else str(n)


def rate_keys(fields: Iterable[str]) -> list[str]:
    """The detection rates among a stage's fields or a table's columns, without their intervals."""
    return [key for key in fields if key.startswith("sdr_") and not key.endswith(("_ci95", "_low", "_high"))]


def rate_title(key: str) -> str:
    """`≤2 mm` for `sdr_2.0`."""
    return f"≤{float(key.removeprefix('sdr_')):g} mm"

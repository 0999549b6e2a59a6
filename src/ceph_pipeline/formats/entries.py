"""Values out of parsed files that may be anything: identifiers, sizes, numbers as text, lists of objects."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.formats.annotations import is_coordinate
from ceph_pipeline.formats.files import shown
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.images.header import MIN_SPACING_MM
from ceph_pipeline.landmarks.geometry import Size

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
"""Numbers whose points may separate thousands, where commas are decimal."""
MAX_SIDE = 1_000_000
"""Pixels of an image's side beyond which a recorded size is no size."""
MAX_PIXEL_SIZE_MM = 2.0
"""Largest size that a person supplies: a head that is 100 px high, as on a thumbnail. A larger number is of another unit: pixels
per mm, µm, dots per inch; a tiny one is cm or m. A header's limit is lower (`images.header.MAX_SPACING_MM`)."""
PixelSizeMm = Annotated[float, Field(ge=MIN_SPACING_MM, le=MAX_PIXEL_SIZE_MM)]
"""Millimetres per pixel in a configuration: what `is_pixel_size` takes."""
PIXEL_SIZE = f"millimetres per pixel from {MIN_SPACING_MM:g} to {MAX_PIXEL_SIZE_MM:g}, or 0 for unknown"


def number(text: str, *, decimal_comma: bool = False) -> float | None:
    """A number from text, None where it is none: no NaN, no infinity, no grouped thousands; `290.` is one.

    Args:
        text: Any.
        decimal_comma: `1,5` is one and a half. Then `1.234` is refused, since it may mean 1234.
    """
    plain = text.strip().replace("\u2212", "-")
    if decimal_comma and plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    elif decimal_comma and _GROUPED.fullmatch(plain):
        return None
    if len(plain) > 64 or not plain.isascii() or not _NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if is_coordinate(value) else None


def as_number(value: Any) -> float | None:
    """A number that a file has as a number or as text; None where it is none."""
    if isinstance(value, str):
        return number(value)
    return float(value) if is_coordinate(value) else None


def as_size(width: Any, height: Any) -> Size | None:
    """(width, height) in whole pixels from numbers, whole floats or text; None where either is no size."""
    sides = (as_number(width), as_number(height))
    if any(side is None or not side.is_integer() or not 1 <= side <= MAX_SIDE for side in sides):
        return None
    return int(sides[0] or 0), int(sides[1] or 0)


def is_pixel_size(mm: ArrayLike) -> NDArray[np.bool_]:
    """Which millimetres per pixel, of any shape, an X-ray can have: `MIN_SPACING_MM` to `MAX_PIXEL_SIZE_MM`, and no NaN."""
    size = np.asarray(mm, np.float64)
    return np.asarray((size >= MIN_SPACING_MM) & (size <= MAX_PIXEL_SIZE_MM))


def as_pixel_size(value: Any) -> float:
    """Millimetres per pixel; NaN, unknown, where it is absent or 0.

    Raises:
        ValueError: it is none that an X-ray can have (`PIXEL_SIZE`); the message is the value.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    size = as_number(value)
    if size is None or not (size == 0 or is_pixel_size(size)):
        raise InvalidValueError(shown(value))
    return size or math.nan


def own_pixel_size(entry: Mapping[str, Any], file: str, place: str, problems: list[Problem]) -> float:
    """The field `pixel_size_mm`, which this project adds to formats without one; NaN, and a remark, where it is nonsense."""
    try:
        return as_pixel_size(entry.get("pixel_size_mm"))
    except InvalidValueError as error:
        problems.append(Problem(file, file, f"{place}, pixel_size_mm", str(error), PIXEL_SIZE, "kept"))
        return math.nan


def key_of(value: Any) -> str | None:
    """An identifier that a file may have as a number here and as text there; None where it can be none."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return None


def entries_of(content: Mapping[str, Any], name: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(position, object) of a list under `name`; whatever is no object is a problem."""
    values = content.get(name)
    if not isinstance(values, list):
        problems.append(Problem(file, file, name, shown(values), "a list", "file set aside"))
        return
    for position, value in enumerate(values):
        if isinstance(value, dict):
            yield position, value
        else:
            problems.append(Problem(file, file, f"{name}[{position}]", shown(value), "an object", "file set aside"))

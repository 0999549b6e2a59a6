"""Validated values from parsed files: identifiers, sizes, numbers as text, lists of objects."""

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
"""Numbers in which a point may be a thousands separator if commas are decimal."""
MAX_SIDE = 1_000_000
"""Largest side of an image in pixels; larger recorded sizes are invalid."""
MAX_PIXEL_SIZE_MM = 2.0
"""Largest pixel size in annotations and configuration, reached by a thumbnail on which the skull is 100 px high. Larger numbers
have another unit (pixels per mm, µm, dots per inch), and tiny numbers are in cm or m. The limit for image headers is lower
(`images.header.MAX_SPACING_MM`)."""
PixelSizeMm = Annotated[float, Field(ge=MIN_SPACING_MM, le=MAX_PIXEL_SIZE_MM)]
"""Millimetres per pixel in a configuration, in the range of `is_pixel_size`."""
PIXEL_SIZE = f"millimetres per pixel from {MIN_SPACING_MM:g} to {MAX_PIXEL_SIZE_MM:g}, or 0 for unknown"


def number(text: str, *, decimal_comma: bool = False) -> float | None:
    """A finite number from text, or None. Grouped thousands are invalid; `290.` is valid.

    Args:
        text: Any text.
        decimal_comma: `1,5` is one and a half, and `1.234` is rejected, since it may mean 1234.
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
    """A number that a file contains as a number or as text; None if the value is not a number."""
    if isinstance(value, str):
        return number(value)
    return float(value) if is_coordinate(value) else None


def as_size(width: Any, height: Any) -> Size | None:
    """(width, height) in whole pixels from numbers, whole floats or text; None if either is invalid."""
    sides = (as_number(width), as_number(height))
    if any(side is None or not side.is_integer() or not 1 <= side <= MAX_SIDE for side in sides):
        return None
    return int(sides[0] or 0), int(sides[1] or 0)


def is_pixel_size(mm: ArrayLike) -> NDArray[np.bool_]:
    """Whether each value is a valid pixel size of an X-ray: `MIN_SPACING_MM` to `MAX_PIXEL_SIZE_MM`; NaN is invalid."""
    size = np.asarray(mm, np.float64)
    return np.asarray((size >= MIN_SPACING_MM) & (size <= MAX_PIXEL_SIZE_MM))


def as_pixel_size(value: Any) -> float:
    """Millimetres per pixel; NaN (unknown) if the value is absent or 0.

    Raises:
        ValueError: the value is not a valid pixel size (`PIXEL_SIZE`); the message contains only the value.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    size = as_number(value)
    if size is None or not (size == 0 or is_pixel_size(size)):
        raise InvalidValueError(shown(value))
    return size or math.nan


def own_pixel_size(entry: Mapping[str, Any], file: str, place: str, problems: list[Problem]) -> float:
    """The field `pixel_size_mm`, which this project adds to formats without a pixel size; NaN and a note if it is invalid."""
    try:
        return as_pixel_size(entry.get("pixel_size_mm"))
    except InvalidValueError as error:
        problems.append(Problem(file, file, f"{place}, pixel_size_mm", str(error), PIXEL_SIZE, "kept"))
        return math.nan


def key_of(value: Any) -> str | None:
    """An identifier as text, whether the file contains a number or text; None if the value is neither."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return None


def entries_of(content: Mapping[str, Any], name: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(position, object) of the list under `name`; other values in the list are problems."""
    values = content.get(name)
    if not isinstance(values, list):
        problems.append(Problem(file, file, name, shown(values), "a list", "file quarantined"))
        return
    for position, value in enumerate(values):
        if isinstance(value, dict):
            yield position, value
        else:
            problems.append(Problem(file, file, f"{name}[{position}]", shown(value), "an object", "file quarantined"))

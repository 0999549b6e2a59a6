"""The bounding box of points, which detection formats require."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ceph_pipeline.formats.writers.point_set import WrittenPoint


class Box(NamedTuple):
    """Upper left corner and extent, in pixels."""

    x: float
    y: float
    width: float
    height: float


def box_of(points: Iterable[WrittenPoint]) -> Box:
    """The smallest box around the points that are not missing; an empty box at the origin if there are none."""
    known = [(point.x, point.y) for point in points if not point.is_missing]
    if not known:
        return Box(0.0, 0.0, 0.0, 0.0)
    (left, top), (right, bottom) = (tuple(map(pick, zip(*known, strict=True))) for pick in (min, max))
    return Box(left, top, right - left, bottom - top)

"""Angles and distances among points of a face, oriented by the face and never by the image's axes.

Points are `(x, y)` arrays of float64, NaN where missing; whatever a missing or degenerate point touches is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
"""`(2,)`."""


def distance(a: Vector, b: Vector) -> float:
    """Length of the segment a–b, in the points' unit."""
    return math.hypot(*(b - a))


def angle_between(u: Vector, v: Vector) -> float:
    """Angle between two directions, 0–180°; NaN for a vector without length."""
    if not (np.any(u) and np.any(v)):
        return math.nan
    cross, dot = float(u[0] * v[1] - u[1] * v[0]), float(u @ v)
    return math.degrees(math.atan2(abs(cross), dot))


def angle_at(x: Vector, vertex: Vector, z: Vector) -> float:
    """∠XYZ with its vertex at Y, 0–180°."""
    return angle_between(x - vertex, z - vertex)


def angle_of_lines(u: Vector, v: Vector) -> float:
    """The acute angle between two lines of these directions, 0–90°."""
    angle = angle_between(u, v)
    return min(angle, 180.0 - angle)


def distance_in_front(point: Vector, line: tuple[Vector, Vector], anterior: Vector) -> float:
    """Distance from a point to a line, positive on the line's anterior side, in the points' unit.

    Args:
        point: The point.
        line: Two points of the line.
        anterior: Any vector that points forward; must not run along the line.
    """
    along = line[1] - line[0]
    normal = np.array([-along[1], along[0]])
    side = float(normal @ anterior)
    length = math.hypot(*along)
    if length == 0 or side == 0:
        return math.nan
    return math.copysign(1.0, side) * float(normal @ (point - line[0])) / length if not math.isnan(side) else math.nan

"""Curves in the plane as arrays of points, for outlines and lines.

Any unit can be used; phantoms use millimetres. y points down. "Right" is the right-hand side in the direction of the curve, as
seen on the screen.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curve = NDArray[np.float64]
"""`(P, 2)` points in order."""


def smooth(points: ArrayLike, *, closed: bool = False, per_span: int = 8) -> Curve:
    """A centripetal Catmull-Rom spline, which passes through every point without loops or overshoot.

    Args:
        points: `(P, 2)`, P ≥ 2; successive points must differ.
        closed: Connect the last point with the first.
        per_span: Number of points per span between control points.

    Returns:
        `(P · per_span, 2)` if closed, otherwise `((P − 1) · per_span + 1, 2)`; the control points are included.
    """
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        support = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        support = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    chord = np.sqrt(np.linalg.norm(np.diff(support, axis=0), axis=1))[:, None]
    before, here, after = chord[:-2], chord[1:-1], chord[2:]
    a, b, c, d = support[:-3], support[1:-2], support[2:-1], support[3:]
    leave = here * ((b - a) / before - (c - a) / (before + here)) + (c - b)
    arrive = here * ((d - c) / after - (d - b) / (here + after)) + (c - b)
    t = np.linspace(0, 1, per_span, endpoint=False)[None, :, None]
    spans = (
        (2 * t**3 - 3 * t**2 + 1) * b[:, None]
        + (t**3 - 2 * t**2 + t) * leave[:, None]
        + (-2 * t**3 + 3 * t**2) * c[:, None]
        + (t**3 - t**2) * arrive[:, None]
    )
    curve = spans.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def offset(curve: Curve, distance: float) -> Curve:
    """The parallel curve at a distance, positive to the right; the distance must be below the radius of curvature."""
    along = np.gradient(curve, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return curve + distance * np.column_stack([-along[:, 1], along[:, 0]])


def ellipse(centre: ArrayLike, axis: ArrayLike, ratio: float, start_deg: float = 0.0, stop_deg: float = 360.0) -> Curve:
    """An elliptic arc.

    Args:
        centre: (x, y).
        axis: The first semi-axis as a vector.
        ratio: Length of the second semi-axis relative to the first; the second points to the left of the first.
        start_deg: Start of the arc, counter-clockwise on the screen from `axis`.
        stop_deg: End of the arc.
    """
    first = np.asarray(axis, dtype=np.float64)
    second = ratio * np.array([first[1], -first[0]])
    angle = np.radians(np.linspace(start_deg, stop_deg, 40))[:, None]
    return np.asarray(centre) + np.cos(angle) * first + np.sin(angle) * second


def spindle(tip: ArrayLike, end: ArrayLike, profile: ArrayLike) -> Curve:
    """The closed outline of a body of varying width around the axis from `tip` to `end`.

    Args:
        tip: Start of the axis.
        end: End of the axis.
        profile: `(P, 3)` rows of (fraction of the axis, half-width on the left, half-width on the right).
    """
    tip, end, rows = np.asarray(tip, float), np.asarray(end, float), np.asarray(profile, float)
    axis = end - tip
    across = np.array([-axis[1], axis[0]]) / np.linalg.norm(axis)
    middle = tip + rows[:, :1] * axis
    return smooth(
        np.concatenate([middle + rows[:, 2:] * across, (middle - rows[:, 1:2] * across)[::-1]]), closed=True, per_span=4
    )

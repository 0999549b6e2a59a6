"""Anatomical constraints of every skull: which landmarks are in front of, above or inside others."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_FORWARD = (
    ("A", "UIA", 2.5, 10.0),
    ("ANS", "A", 1.5, 9.0),
    ("B", "LIA", 3.0, 10.0),
    ("Co", "Po", 9.0, 18.0),
    ("Co", "Ar", 0.5, 7.0),
    ("R", "Ar", 0.0, 9.0),
    ("Go", "R", 0.0, 9.0),
    ("Gn", "Me", 3.0, 6.5),
    ("Pog", "Gn", 0.3, 4.0),
    ("S", "Co", 5.0, 20.0),
    ("N", "Or", 9.0, 21.0),
    ("N`", "N", 3.5, 9.0),
    ("Pn", "Sn", 11.0, 20.0),
    ("Ls", "Sn", -1.0, 8.0),
    ("Ls", "UIT", 7.0, 20.0),
    ("Li", "LIT", 8.0, 20.0),
    ("Pog`", "Pog", 8.0, 17.0),
    ("UIT", "LIT", 1.5, 10.0),
    ("UPM", "UMT", 5.0, 10.5),
    ("LPM", "LMT", 5.0, 10.5),
    ("UMT", "LMT", -3.5, 2.5),
    ("UIT", "UPM", 18.0, 36.0),
    ("LIT", "LPM", 13.0, 30.0),
)
"""(in front, behind, least, greatest distance along the Frankfort horizontal), in mm."""

_BELOW = (
    ("Ar", "Co", 7.0, 17.0),
    ("R", "Ar", 14.0, 26.0),
    ("Go", "R", 19.0, 33.0),
    ("A", "ANS", 2.5, 7.5),
    ("UIA", "ANS", 2.5, 11.0),
    ("B", "LIT", 12.0, 28.0),
    ("Pog", "B", 9.0, 17.0),
    ("Gn", "Pog", 3.2, 7.2),
    ("Me", "Gn", 0.7, 3.8),
    ("Or", "N", 22.0, 36.0),
    ("Co", "S", 15.0, 29.0),
    ("LMT", "UMT", 0.5, 2.4),
    ("LPM", "UPM", 0.5, 2.4),
    ("Sn", "Pn", 7.0, 16.5),
    ("Li", "Ls", 10.0, 22.0),
    ("Ls", "Sn", 9.0, 20.0),
    ("N`", "N", -1.5, 8.0),
    ("UIT", "LIT", 0.3, 8.0),
)
"""(below, above, least, greatest distance across the Frankfort horizontal), in mm."""


def is_anatomical(points: Mapping[str, NDArray[np.float64]]) -> bool:
    """Whether landmarks are in an anatomically possible arrangement; points by symbol, (x, y) in mm with y down.

    Two conditions are checked: the order along and across the Frankfort horizontal, and the curvature of contours. A and B are in
    hollows, Gn is on the chin's convexity, and R is on a ramus that is not convex backwards.
    """
    forward = points["Or"] - points["Po"]
    forward = forward / np.linalg.norm(forward)
    down = np.array([-forward[1], forward[0]])
    ordered = all(low <= (points[a] - points[b]) @ forward <= high for a, b, low, high in _FORWARD) and all(
        low <= (points[a] - points[b]) @ down <= high for a, b, low, high in _BELOW
    )
    return (
        ordered
        and _right_of(points, "ANS", "UIT", "A") > 2.0
        and _right_of(points, "LIT", "Pog", "B") > 1.0
        and _right_of(points, "Pog", "Me", "Gn") < -1.0
        and -0.5 < _right_of(points, "Go", "Ar", "R") < 5.0
        and _right_of(points, "ANS", "PNS", "UIA") < -3.2
    )


def _right_of(points: Mapping[str, NDArray[np.float64]], start: str, stop: str, point: str) -> float:
    """Distance of a point to the right of the line from `start` to `stop`, as seen on the screen."""
    along, towards = points[stop] - points[start], points[point] - points[start]
    return float(along[0] * towards[1] - along[1] * towards[0]) / float(np.linalg.norm(along))

"""The contour through each landmark, along which readers' points scatter most."""

from collections.abc import Callable

import numpy as np

from ceph_pipeline.phantom.curves import Curve, offset
from ceph_pipeline.phantom.face import PhantomFace, Point
from ceph_pipeline.phantom.structures.cranium import forehead_and_nose
from ceph_pipeline.phantom.structures.mandible import mandible_outline
from ceph_pipeline.phantom.structures.midface import alveolar_front, orbital_rim
from ceph_pipeline.phantom.structures.soft_tissue import profile

_REACH_MM = 12.0
"""Half the length of straight contours."""

_OUTLINES: dict[Callable[[PhantomFace], Curve], tuple[str, ...]] = {
    mandible_outline: ("B", "Pog", "Gn", "Me", "Go", "R", "Ar", "Co"),
    profile: ("N`", "Pn", "Sn", "Ls", "Li", "Pog`"),
    forehead_and_nose: ("N",),
    alveolar_front: ("A",),
    orbital_rim: ("Or",),
}

_AXES = {
    "ANS": "PNS", "PNS": "ANS", "UIT": "UIA", "UIA": "UIT", "LIT": "LIA", "LIA": "LIT",
    "UMT": "UPM", "UPM": "UMT", "LMT": "LPM", "LPM": "LMT", "Po": "Or",
}  # fmt: skip
"""Straight contours: the palatal plane, a tooth's axis, the occlusal line, the Frankfort horizontal."""


def contours(face: PhantomFace) -> dict[str, Curve]:
    """The contour through each landmark, in mm, by symbol; for Sella it is the vertical."""
    found = {symbol: outline for draw, symbols in _OUTLINES.items() for outline in [draw(face)] for symbol in symbols}
    directions = {symbol: face[other] - face[symbol] for symbol, other in _AXES.items()} | {"S": face.up}
    return found | {symbol: _straight(face[symbol], direction) for symbol, direction in directions.items()}


def slide(contour: Curve, start: Point, along: float, across: float) -> Point:
    """The point at a distance `along` from `start` on a contour, shifted to the right by `across`, both in mm.

    Args:
        contour: `(P, 2)`, with `start` as one of the points; closed contours may begin at `start`.
        start: (x, y) in mm.
        along: Arc length, limited to the contour's ends.
        across: Distance from the contour.
    """
    if np.linalg.norm(contour[0] - contour[-1]) < 2.0:
        half = len(contour) // 2
        contour = np.roll(contour, half - _nearest(contour, start), axis=0)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(contour, axis=0), axis=1))])
    place = length[_nearest(contour, start)] + along
    aside = offset(contour, across)
    return np.array([np.interp(place, length, aside[:, axis]) for axis in (0, 1)])


def _nearest(contour: Curve, point: Point) -> int:
    return int(np.argmin(np.linalg.norm(contour - point, axis=1)))


def _straight(middle: Point, direction: Point) -> Curve:
    return np.asarray(middle + np.array([[-_REACH_MM], [0.0], [_REACH_MM]]) * direction / np.linalg.norm(direction))

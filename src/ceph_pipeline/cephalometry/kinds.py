"""The kinds of measurement: functions from points to an angle, a length or a ratio, for many faces at once.

Points are complex numbers x + iy in pixels, y down, in arrays of any shape whose last axis is the faces; NaN where missing. A
result is NaN if a point is missing, a line has no length, or a required orientation is unknown. `Frame` is the orientation,
which is computed from the face's points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.complex128]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """Orientation of each face.

    Attributes:
        forward: `(N,)`, a vector that points forward: along Po → Or, or along S → N if Po or Or is missing.
        turn: `(N,)`, +1 if down is forward rotated by 90° from x towards y (a face that looks to the right in an upright image),
            −1 if down is forward rotated by −90° (the mirror image), NaN if unknown.
    """

    forward: Points
    turn: Values

    def side(self, direction: Points) -> Values:
        """+1 or −1: the factor that makes the cross product with a direction positive in front of it; NaN along forward."""
        cross = (direction.conj() * self.forward).imag
        return np.where(cross == 0, np.nan, np.sign(cross))


@dataclass(frozen=True)
class MeasurementKind:
    """A function from points to a value.

    Attributes:
        wording: The definition, with a placeholder for each point.
        compute: Function of the frame and the points; the result is in degrees, pixels or percent.
        oriented: Part of the frame that the kind uses.
    """

    wording: str
    compute: Callable[..., Values]
    oriented: Literal["", "forward", "down"] = ""


def _between(u: Points, v: Points) -> Points:
    """Complex number with the modulus |u||v| and the angle from u to v; NaN if one has no length."""
    product = u.conj() * v
    return np.where(product == 0, np.nan, product)


def _unit(direction: Points) -> Points:
    length = np.abs(direction)
    return direction / np.where(length == 0, np.nan, length)


def angle(frame: Frame, x: Points, vertex: Points, z: Points) -> Values:
    """∠XYZ, 0–180°."""
    del frame
    return np.degrees(np.abs(np.angle(_between(x - vertex, z - vertex))))


def directions(frame: Frame, a: Points, b: Points, c: Points, d: Points) -> Values:
    """Angle between the directions a→b and c→d, 0–180°."""
    del frame
    return np.degrees(np.abs(np.angle(_between(b - a, d - c))))


def complement(frame: Frame, a: Points, b: Points, c: Points, d: Points) -> Values:
    """90° minus the angle between two directions, −90–90°."""
    return 90.0 - directions(frame, a, b, c, d)


def lines(frame: Frame, a: Points, b: Points, c: Points, d: Points) -> Values:
    """The acute angle of two lines, 0–90°."""
    del frame
    product = _between(b - a, d - c)
    return np.degrees(np.arctan2(np.abs(product.imag), np.abs(product.real)))


def slope(frame: Frame, a: Points, b: Points, c: Points, d: Points) -> Values:
    """Angle by which c→d points below a→b, −180–180°."""
    return frame.turn * np.degrees(np.angle(_between(b - a, d - c)))


def lean(frame: Frame, a: Points, b: Points, c: Points, d: Points) -> Values:
    """The acute angle of a–b and c–d, positive if b is further in front of c–d than a."""
    product = _between(d - c, b - a)
    return np.degrees(np.arctan2(product.imag * frame.side(d - c), np.abs(product.real)))


def bend(frame: Frame, x: Points, vertex: Points, z: Points) -> Values:
    """180° minus ∠XYZ, positive if Y is in front of X–Z."""
    return -frame.side(z - x) * np.degrees(np.angle(_between(vertex - x, z - vertex)))


def distance(frame: Frame, a: Points, b: Points) -> Values:
    """Length of a–b."""
    del frame
    return np.abs(b - a)


def ratio(frame: Frame, a: Points, b: Points, c: Points, d: Points) -> Values:
    """Length of a–b in percent of c–d."""
    del frame
    whole = np.abs(d - c)
    return 100.0 * np.abs(b - a) / np.where(whole == 0, np.nan, whole)


def in_front(frame: Frame, point: Points, a: Points, b: Points) -> Values:
    """Distance of a point from the line a–b, positive in front of it."""
    return frame.side(b - a) * (_unit(b - a).conj() * (point - a)).imag


def ahead(frame: Frame, p: Points, q: Points, a: Points, b: Points) -> Values:
    """Distance of p ahead of q, along a→b."""
    del frame
    return (_unit(b - a).conj() * (p - q)).real


def below(frame: Frame, p: Points, q: Points, a: Points, b: Points) -> Values:
    """Distance of p below q, perpendicular to a→b, which points forward."""
    return frame.turn * (_unit(b - a).conj() * (p - q)).imag


KINDS = {
    "angle": MeasurementKind("∠{0}-{1}-{2}", angle),
    "directions": MeasurementKind("angle between {0} → {1} and {2} → {3}", directions),
    "complement": MeasurementKind("90° − angle between {0} → {1} and {2} → {3}", complement),
    "lines": MeasurementKind("acute angle of {0}–{1} and {2}–{3}", lines),
    "slope": MeasurementKind("angle from {0} → {1} down to {2} → {3}", slope, "down"),
    "lean": MeasurementKind("acute angle of {0} → {1} and {2}–{3}, signed", lean, "forward"),
    "bend": MeasurementKind("180° − ∠{0}-{1}-{2}, signed", bend, "forward"),
    "distance": MeasurementKind("{0}–{1}", distance),
    "ratio": MeasurementKind("100 · {0}–{1} / {2}–{3}", ratio),
    "in_front": MeasurementKind("{0} to the line {1}–{2}", in_front, "forward"),
    "ahead": MeasurementKind("{0} ahead of {1}, along {2} → {3}", ahead),
    "below": MeasurementKind("{0} below {1}, across {2} → {3}", below, "down"),
}
"""Kinds by name."""

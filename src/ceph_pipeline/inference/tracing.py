"""The lines of a tracing: planes, incisor axes and the soft-tissue profile."""

from dataclasses import dataclass

from ceph_pipeline.cephalometry.measurement import Midpoint
from ceph_pipeline.cephalometry.measurements import FH, L1, MP, OP, PP, SN, U1
from ceph_pipeline.inference.points import Places

Corner = str | Midpoint


@dataclass(frozen=True)
class Trace:
    """A line through landmarks.

    Attributes:
        name: The usual name of the line in cephalometry.
        corners: At least two landmarks or midpoints; missing ones are skipped.
        beyond: Share of its length by which a line of two corners is extended at both ends.
    """

    name: str
    corners: tuple[Corner, ...]
    beyond: float = 0.0


TRACES = (
    Trace("cranial base", ("Ar", "S", "N")),
    Trace("S–N", SN, 0.08),
    Trace("Frankfort horizontal", FH, 0.08),
    Trace("palatal plane", PP, 0.1),
    Trace("occlusal plane", OP, 0.25),
    Trace("mandibular plane", MP, 0.1),
    Trace("N–A", ("N", "A")),
    Trace("N–B", ("N", "B")),
    Trace("E line", ("Pn", "Pog`"), 0.05),
    Trace("upper incisor", U1, 0.25),
    Trace("lower incisor", L1, 0.25),
    Trace("mandible", ("Co", "Ar", "Go", "Me", "Gn", "Pog", "B")),
    Trace("soft-tissue profile", ("N`", "Pn", "Sn", "Ls", "Li", "Pog`")),
)
"""Straight lines between landmarks: a tracing for orientation, not a contour that was detected in the film."""


@dataclass(frozen=True)
class Line:
    """A trace in one image: at least two points `(x, y)` in pixels."""

    name: str
    xy: tuple[tuple[float, float], ...]


def traced(places: Places) -> list[Line]:
    """The traces that can be drawn with an image's landmarks.

    Example:
        >>> traced({"S": (0.0, 0.0), "N": (100.0, 0.0)})[1].xy
        ((-8.0, 0.0), (108.0, 0.0))
    """
    lines = []
    for trace in TRACES:
        corners = tuple(place for corner in trace.corners if (place := _place(corner, places)) is not None)
        if len(corners) >= 2 and (len(trace.corners) > 2 or len(corners) == len(trace.corners)):
            lines.append(Line(trace.name, _extended(corners, trace.beyond)))
    return lines


def _place(corner: Corner, places: Places) -> tuple[float, float] | None:
    if isinstance(corner, str):
        return places.get(corner)
    a, b = places.get(corner.a), places.get(corner.b)
    return None if a is None or b is None else ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)


def _extended(corners: tuple[tuple[float, float], ...], beyond: float) -> tuple[tuple[float, float], ...]:
    if not beyond:
        return corners
    (ax, ay), (bx, by) = corners
    dx, dy = beyond * (bx - ax), beyond * (by - ay)
    return (ax - dx, ay - dy), (bx + dx, by + dy)

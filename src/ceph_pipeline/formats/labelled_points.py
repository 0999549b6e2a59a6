"""One film's points: from labels and raw coordinates to landmarks, with their problems."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ceph_pipeline.formats.annotations import MISSING, Point, is_coordinate
from ceph_pipeline.formats.files import is_plain, shown
from ceph_pipeline.formats.options import LandmarkNames
from ceph_pipeline.formats.problems import Problem

LABEL_LENGTH = 128


@dataclass(frozen=True)
class LabelledPoint:
    """A point as annotated in a file.

    Attributes:
        label: The label in the file; a number, from 1, for a point that is identified only by its order.
        point: Coordinates in the file's units; NaN for a point that is marked as missing; None for an unusable point.
        found: Content of the file instead of a usable point.
        expected: Expected content.
        place: Position in the file, if it differs from the film's.
    """

    label: str
    point: Point | None
    found: str = ""
    expected: str = "finite numbers x and y"
    place: str = ""


@dataclass
class PointProblems:
    """Collects the problems of a film's points, with their position in the file."""

    image_id: str
    file: str
    place: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, symbol: str, entry: LabelledPoint, found: str, expected: str) -> None:
        """Add a problem for a point that is quarantined."""
        place = f"{entry.place or self.place}, {shown(entry.label)}"
        self.problems.append(Problem(f"{self.image_id}/{symbol}", self.file, place, found, expected, "point quarantined"))


def labelled_point(label: str, x: Any, y: Any, *, visible: bool = True) -> LabelledPoint:
    """A point from two values of a file: NaN if it is invisible or both are null, unusable if they are not numbers."""
    if not visible or (x is None and y is None):
        return LabelledPoint(label, MISSING)
    if is_coordinate(x) and is_coordinate(y):
        return LabelledPoint(label, (float(x), float(y)))
    return LabelledPoint(label, None, shown([x, y]))


def name_points(
    labelled: Sequence[LabelledPoint], wrong: PointProblems, names: LandmarkNames, to_pixels: Callable[[Point], Point]
) -> dict[str, Point]:
    """Points by full name of the landmark; a landmark that occurs twice is missing, because the right point is unknown."""
    points: dict[str, Point] = {}
    placed: dict[str, str] = {}
    for entry in labelled:
        landmark = names.of(entry.label) if _is_label(entry.label) else None
        if landmark is None:
            wrong.add(shown(entry.label), entry, *_unnamed(entry.label, names))
            continue
        points.setdefault(landmark.name, MISSING)
        if entry.point is None:
            wrong.add(landmark.symbol, entry, entry.found, entry.expected)
        elif math.isnan(entry.point[0]):
            continue
        elif landmark.name in placed:
            wrong.add(landmark.symbol, entry, *_second(entry.label, placed[landmark.name], landmark.name))
            points[landmark.name] = MISSING
        else:
            placed[landmark.name] = entry.label
            points[landmark.name] = to_pixels(entry.point)
    return points


def all_on_a_line(points: Iterable[Point]) -> bool:
    """Whether five points or more are equidistant on one straight line, in their order, as placeholders are."""
    known = [point for point in points if not math.isnan(point[0])]
    if len(known) < 5:
        return False
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(known)]
    return len({(round(dx, 6), round(dy, 6)) for dx, dy in steps}) == 1


def all_in_one_pixel(points: Iterable[Point]) -> bool:
    """Whether three points or more lie within one pixel of each other along both axes."""
    known = [point for point in points if not math.isnan(point[0])]
    return len(known) > 2 and all(max(values) - min(values) <= 1 for values in zip(*known, strict=True))


def _is_label(label: str) -> bool:
    return bool(label.strip()) and len(label) <= LABEL_LENGTH and is_plain(label)


def _second(label: str, first: str, name: str) -> tuple[str, str]:
    if label == first:
        return "a second key point", "each landmark once"
    expected = (
        "each landmark once. Name the landmarks of both labels in `ingestion.reading.labels`; a label under its own name, "
        f"`{{{label}: {label}}}`, remains a landmark of its own"
    )
    return f"labels {shown(first)} and {shown(label)} of one landmark, {name}", expected


def _unnamed(label: str, names: LandmarkNames) -> tuple[str, str]:
    if not _is_label(label):
        return f"the label {shown(label)}", f"a name of at most {LABEL_LENGTH} printable characters"
    if names.order:
        return f"point {label}", f"points 1 to {len(names.order)}, the number of landmarks"
    return (
        f"point {shown(label)}, a number without a name",
        "a landmark's name. Name the numbered landmarks with `ingestion.reading.landmarks: [...]`, in the files' order",
    )

"""The `result` list of a Label Studio annotation: key points in percent of their image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ceph_pipeline.formats.annotations import MISSING, Point, is_coordinate
from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.landmarks import UnknownLandmarkError, find
from ceph_pipeline.landmarks.geometry import Size

KIND = "keypointlabels"


def recorded_size(results: Iterable[list[Any]]) -> Size | None:
    """(width, height) as the first result that has them says, or None."""
    for result in (entry for entries in results for entry in entries if isinstance(entry, dict)):
        width, height = result.get("original_width"), result.get("original_height")
        if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
            return width, height
    return None


def points_of(results: list[Any], size: Size, *, image_id: str, file: str, place: str) -> tuple[dict[str, Point], list[Problem]]:
    """Points by landmark's full name (or the label itself, where no schema has it), in pixels.

    Args:
        results: The annotation's `result`; entries that are no key points are passed over.
        size: (width, height) of the image.
        image_id: For problems, as are
        file: the export's name and
        place: the task's position in it.
    """
    points: dict[str, Point] = {}
    problems: list[Problem] = []
    for result in results:
        for label in _labels(result):
            name, symbol = _named(label)
            problem = None
            if result.get("image_rotation"):
                problem = f"image_rotation {result['image_rotation']!r}", "0: export the points on the image as it is"
            elif name in points:
                problem = "a second key point", "each landmark once"
            point = None if problem else percent_to_pixels(result["value"], size)
            if not problem and point is None:
                problem = repr(result["value"])[:120], "x and y in percent"
            if problem:
                problems.append(Problem(f"{image_id}/{symbol}", file, f"{place}, {label!r}", *problem, "point set aside"))
            points[name] = point or MISSING
    return points, problems


def percent_to_pixels(value: dict[str, Any], size: Size) -> Point | None:
    """Percent from the image's edge to pixel-centre coordinates: 0 % is −0.5, 100 % is the width − 0.5; None if no numbers."""
    x, y = value.get("x"), value.get("y")
    if not is_coordinate(x) or not is_coordinate(y):
        return None
    return x / 100 * size[0] - 0.5, y / 100 * size[1] - 0.5


def _labels(result: Any) -> Iterator[str]:
    """The labels of a key point; nothing for any other kind of result."""
    if not isinstance(result, dict) or result.get("type") != KIND or not isinstance(result.get("value"), dict):
        return
    labels = result["value"].get(KIND)
    yield from (label for label in labels if isinstance(label, str)) if isinstance(labels, list) else ()


def _named(label: str) -> tuple[str, str]:
    """(name, symbol) of a label; one that no schema has stands for itself."""
    try:
        landmark = find(label)
    except UnknownLandmarkError:
        return label, label
    return landmark.name, landmark.symbol

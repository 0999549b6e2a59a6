"""The `result` list of a Label Studio annotation: key points in percent of their image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ceph_pipeline.formats.annotations import is_coordinate
from ceph_pipeline.formats.entries import as_number, as_size, key_of
from ceph_pipeline.formats.files import shown
from ceph_pipeline.formats.labelled_points import LabelledPoint, labelled_point
from ceph_pipeline.landmarks.geometry import Size

_LABELS = ("keypointlabels", "labels")
"""Where a result of `<KeyPointLabels>`, and of `<KeyPoint>` with `<Labels>`, has its labels."""
_KINDS = (*_LABELS, "keypoint")
_OTHER_SHAPES = ("height", "points", "radiusX", "rle", "start", "rectanglelabels", "closed")
"""Fields of rectangles, outlines, ellipses, masks and spans of text, which key points do not have."""


def recorded_sizes(results: Iterable[list[Any]]) -> tuple[Size, ...]:
    """Each (width, height) that results have, as whole numbers, floats or text, in their order."""
    sizes = (
        as_size(result.get("original_width"), result.get("original_height"))
        for entries in results
        for result in entries
        if isinstance(result, dict)
    )
    return tuple(dict.fromkeys(size for size in sizes if size is not None))


def targets(results: Iterable[list[Any]]) -> tuple[str, ...]:
    """Names of the images, as the labelling interface has them, on which key points were set; results may not say it."""
    names = (key_of(result.get("to_name")) for entries in results for result in entries if _is_key_point(result))
    return tuple(dict.fromkeys(name for name in names if name is not None))


def is_blank(results: Iterable[list[Any]]) -> bool:
    """Whether nobody marked anything: no key point, and no other shape in its place."""
    marks = (result for entries in results for result in entries if isinstance(result, dict))
    return not any(_is_key_point(result) or _is_other_shape(result.get("value")) for result in marks)


def labelled_points(results: list[Any]) -> list[LabelledPoint]:
    """Points of an annotation in percent; results that are no key points are passed over.

    A `<KeyPoint>` and its `<Labels>` are two results with one id, either of which may come first.
    """
    points: list[LabelledPoint] = []
    bare: dict[str, Mapping[str, Any]] = {}
    labelled: dict[str, list[str]] = defaultdict(list)
    for result in results:
        if not _is_key_point(result):
            continue
        labels, identifier = _labels(result["value"]), key_of(result.get("id")) or ""
        labelled[identifier] += labels
        if not labels:
            bare[identifier] = result
        points += [_labelled_point(label, result) for label in labels]
    unlabelled = [result for identifier, result in bare.items() if not labelled[identifier]]
    return points + [LabelledPoint("", None, shown(result["value"]), "a label") for result in unlabelled]


def _is_key_point(result: Any) -> bool:
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, dict) or result.get("type") not in _KINDS:
        return False
    return result["type"] != "labels" or ("x" in value and not _is_other_shape(value))


def _is_other_shape(value: Any) -> bool:
    return isinstance(value, dict) and any(field in value for field in _OTHER_SHAPES)


def _labels(value: Mapping[str, Any]) -> list[str]:
    found: list[Any] = next((value[field] for field in _LABELS if isinstance(value.get(field), list)), [])
    return [label for label in found if isinstance(label, str)]


def _labelled_point(label: str, result: Mapping[str, Any]) -> LabelledPoint:
    value = result["value"]
    x, y = value.get("x"), value.get("y")
    rotation = result.get("image_rotation")
    if rotation and as_number(rotation) != 0:
        return LabelledPoint(label, None, f"image_rotation {shown(rotation)}", "0: export the points on the image as it is")
    if not is_coordinate(x) or not is_coordinate(y):
        return LabelledPoint(label, None, shown(value, 120), "x and y in percent")
    return labelled_point(label, x, y)

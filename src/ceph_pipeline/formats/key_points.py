"""The `result` list of a Label Studio annotation: key points in percent of the image's width and height."""

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
"""Fields with the labels of a result of `<KeyPointLabels>`, or of `<KeyPoint>` with `<Labels>`."""
_KINDS = (*_LABELS, "keypoint")
_OTHER_SHAPES = ("height", "points", "radiusX", "rle", "start", "rectanglelabels", "closed")
"""Fields that occur in rectangles, outlines, ellipses, masks and spans of text, but not in key points."""


def recorded_sizes(results: Iterable[list[Any]]) -> tuple[Size, ...]:
    """The distinct (width, height) of the results, in their order; they may be whole numbers, floats or text."""
    sizes = (
        as_size(result.get("original_width"), result.get("original_height"))
        for entries in results
        for result in entries
        if isinstance(result, dict)
    )
    return tuple(dict.fromkeys(size for size in sizes if size is not None))


def targets(results: Iterable[list[Any]]) -> tuple[str, ...]:
    """Names, in the labelling interface, of the images with key points; results may lack the name."""
    names = (key_of(result.get("to_name")) for entries in results for result in entries if _is_key_point(result))
    return tuple(dict.fromkeys(name for name in names if name is not None))


def is_blank(results: Iterable[list[Any]]) -> bool:
    """Whether nothing was marked: no key point and no other shape."""
    marks = (result for entries in results for result in entries if isinstance(result, dict))
    return not any(_is_key_point(result) or _is_other_shape(result.get("value")) for result in marks)


def labelled_points(results: list[Any]) -> list[LabelledPoint]:
    """Points of an annotation in percent; results other than key points are skipped.

    A `<KeyPoint>` and its `<Labels>` are two results with the same id, in any order.
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
        return LabelledPoint(label, None, f"image_rotation {shown(rotation)}", "0: export the points on the unrotated image")
    if not is_coordinate(x) or not is_coordinate(y):
        return LabelledPoint(label, None, shown(value, 120), "x and y in percent")
    return labelled_point(label, x, y)

"""COCO keypoints, one file per split: `train.json`, `valid.json`, `test.json`.

A missing point is `0, 0, 0`. Each reader's points are one annotation with the reader in `attributes.reader`, as in CVAT.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from ceph_pipeline.formats.writers.box import box_of
from ceph_pipeline.formats.writers.point_set import PointSet, WrittenFilm, WrittenPoint

FILMS = "images"


def coco_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of each file."""
    for split in dict.fromkeys(film.split for film in points.films):
        yield f"{split}.json", json.dumps(_content(points, split), ensure_ascii=False, allow_nan=False)


def _content(points: PointSet, split: str) -> dict[str, Any]:
    films = [film for film in points.films if film.split == split]
    numbers = count(1)
    return {
        "images": [_image(number, film) for number, film in enumerate(films, 1)],
        "annotations": [
            {"id": next(numbers), "image_id": number, "category_id": 1, **_annotation(found), "attributes": {"reader": reader}}
            for number, film in enumerate(films, 1)
            for reader, found in film.points.items()
        ],
        "categories": [
            {"id": 1, "name": "cephalogram", "supercategory": "", "keypoints": list(points.names), "skeleton": []},
        ],
    }


def _image(number: int, film: WrittenFilm) -> dict[str, Any]:
    size = {} if math.isnan(film.pixel_size_mm) else {"pixel_size_mm": film.pixel_size_mm}
    return {"id": number, "file_name": film.file, "width": film.size[0], "height": film.size[1], **size}


def _annotation(found: Mapping[str, WrittenPoint]) -> dict[str, Any]:
    box = box_of(found.values())
    return {
        "keypoints": [value for point in found.values() for value in _triple(point)],
        "num_keypoints": sum(not point.is_missing for point in found.values()),
        "bbox": list(box),
        "area": box.width * box.height,
        "iscrowd": 0,
    }


def _triple(point: WrittenPoint) -> tuple[float, float, int]:
    return (0, 0, 0) if point.is_missing else (point.x, point.y, 2)

"""labelme: one JSON file per image, for the image's folder. A missing landmark has no shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ceph_pipeline.formats.writers.point_set import PointSet, WrittenFilm

FILMS = "{split}"
_VERSION = "5.5.0"
"""Version of labelme in the files."""


def labelme_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of each file."""
    for film in points.films:
        yield (
            f"{film.file.removesuffix(film.suffix)}.json",
            json.dumps(_content(film), ensure_ascii=False, allow_nan=False, indent=2),
        )


def _content(film: WrittenFilm) -> dict[str, Any]:
    shapes: list[dict[str, Any]] = [
        {
            "label": name,
            "points": [[point.x, point.y]],
            "group_id": None,
            "description": "",
            "shape_type": "point",
            "flags": {},
            "mask": None,
        }
        for found in film.points.values()
        for name, point in found.items()
        if not point.is_missing
    ]
    return {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": PurePosixPath(film.file).name,
        "imageData": None,
        "imageHeight": film.size[1],
        "imageWidth": film.size[0],
    }

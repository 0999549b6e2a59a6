"""Plain JSON: `landmarks.json`, a list of films with their points by reader and landmark; missing points are null."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from ceph_pipeline.formats.writers.point_set import PointSet, WrittenFilm, WrittenPoint

FILMS = "images"


def json_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of the file."""
    yield "landmarks.json", json.dumps([_film(film) for film in points.films], ensure_ascii=False, allow_nan=False, indent=1)


def _film(film: WrittenFilm) -> dict[str, Any]:
    return {
        "image_id": film.image_id,
        "file": film.file,
        "split": film.split,
        "width": film.size[0],
        "height": film.size[1],
        "pixel_size_mm": _known(film.pixel_size_mm),
        "points": {reader: {name: _point(point) for name, point in found.items()} for reader, found in film.points.items()},
    }


def _point(point: WrittenPoint) -> dict[str, float | None] | None:
    return None if point.is_missing else {"x": point.x, "y": point.y, "sigma_px": _known(point.sigma_px)}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value

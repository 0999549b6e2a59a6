"""YOLO-pose in the layout of Ultralytics: `data.yaml`, `images/<split>/`, and `labels/<split>/<image>.txt`.

Fractions are pixels divided by the image's width and height. A missing point is `0 0 0`. Landmarks have no left and right
counterparts, so a flip exchanges none (`flip_idx`).
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from ceph_pipeline.formats.writers.box import box_of
from ceph_pipeline.formats.writers.point_set import PointSet, WrittenFilm, WrittenPoint

FILMS = "images/{split}"
_KEYS = {"train": "train", "valid": "val", "test": "test"}
"""Ultralytics' name of each split."""


def yolo_pose_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of each file."""
    splits = dict.fromkeys(film.split for film in points.films)
    content = {
        **{_KEYS[split]: FILMS.format(split=split) for split in splits},
        "kpt_shape": [len(points.landmarks), 3],
        "flip_idx": list(range(len(points.landmarks))),
        "names": {0: "cephalogram"},
        "kpt_names": {0: list(points.names)},
    }
    yield "data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    for film in points.films:
        rows = (_row(film, list(found.values())) for found in film.points.values())
        yield f"labels/{film.split}/{film.image_id}.txt", "".join(f"{row}\n" for row in rows)


def _row(film: WrittenFilm, found: list[WrittenPoint]) -> str:
    width, height = film.size
    box = box_of(found)
    centre = (box.x + box.width / 2) / width, (box.y + box.height / 2) / height
    values = [*centre, box.width / width, box.height / height]
    triples = ["0 0 0" if point.is_missing else f"{point.x / width!r} {point.y / height!r} 2" for point in found]
    return " ".join(["0", *map(repr, values), *triples])

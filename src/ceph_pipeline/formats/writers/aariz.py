"""The Aariz layout: per film, each reader's JSON file and the CVM stage; and the table of devices.

The layout supports Aariz's 29 landmarks and the ruler marks p1 and p2. Data sets of phantoms are written by the same functions.

Source: Khalid et al., Aariz data set, https://github.com/manwaarkhd/aariz-cephalometric-dataset.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ceph_pipeline.errors import first_of
from ceph_pipeline.formats.aariz_machines import COLUMNS
from ceph_pipeline.formats.aariz_machines import FILE as MACHINES
from ceph_pipeline.formats.annotations import Point
from ceph_pipeline.formats.problems import AnnotationError
from ceph_pipeline.formats.writers.point_set import PointSet
from ceph_pipeline.landmarks import SCHEMAS, Landmark

FILMS = "{split}/Cephalograms"

_CVM_SPLITS = {"train": "Training", "valid": "Validation", "test": "Test"}
_NEVER = "2000-01-01 00:00:00.000000"
"""Fixed date, so that the same points always give identical files."""
_DATASET = "Cephalograms in the Aariz layout"


def aariz_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of each file.

    Raises:
        AnnotationError: the layout does not support a landmark or a reader's name.
    """
    _require_known(points)
    for film in points.films:
        for reader, found in film.points.items():
            places = {name: (point.x, point.y) for name, point in found.items()}
            yield landmark_file(film.image_id, film.split, reader), landmark_json(film.image_id, places)
        if film.cvm_stage is not None:
            yield cvm_file(film.image_id, film.split), cvm_json(film.image_id, film.split, film.cvm_stage)
    rows = ((film.image_id, film.machine, film.pixel_size_mm, film.suffix[1:], film.split) for film in points.films)
    yield MACHINES, machines_csv(rows)


def landmark_file(image_id: str, split: str, reader: str) -> str:
    """Path of a reader's file; the folder of the reader `senior` is `Senior Orthodontists`."""
    return f"{split}/Annotations/Cephalometric Landmarks/{reader.capitalize()} Orthodontists/{image_id}.json"


def cvm_file(image_id: str, split: str) -> str:
    """Path of the file of the cervical vertebral maturation stage."""
    return f"{split}/Annotations/CVM Stages/{image_id}.json"


def landmark_json(image_id: str, points: Mapping[str, Point], dataset: str = _DATASET) -> str:
    """One reader's file.

    Args:
        image_id: Identifier of the film.
        points: (x, y) in pixels by full name; missing points are NaN or absent.
        dataset: Name of the data set in the file.
    """
    landmarks = [*SCHEMAS["aariz"], *(mark for mark in SCHEMAS["ruler"] if mark.name in points)]
    content = {
        "ceph_id": image_id,
        "landmarks": [_entry(landmark, points.get(landmark.name, (math.nan, math.nan))) for landmark in landmarks],
        "reviewed_at": _NEVER,
        "updated_at": _NEVER,
        "dataset_name": dataset,
        "open_issues": 0,
    }
    return json.dumps(content, indent=4)


def cvm_json(image_id: str, split: str, stage: int, dataset: str = _DATASET) -> str:
    """The file of the cervical vertebral maturation stage, 1 to 6."""
    content = {
        "ceph_id": image_id,
        "cvm_stage": {"id": f"cvm_stage_{stage}", "title": f"CVM-S{stage}", "value": stage},
        "dataset_name": dataset,
        "dataset_split": _CVM_SPLITS[split],
        "created_at": _NEVER,
    }
    return json.dumps(content)


def machines_csv(rows: Iterable[tuple[str, str, float, str, str]]) -> str:
    """The table of devices.

    Args:
        rows: Identifier, device, mm per pixel (NaN if unknown), suffix of the image without its dot, and split.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image_id, machine, pixel_size_mm, suffix, split in rows:
        writer.writerow([image_id, machine, "" if math.isnan(pixel_size_mm) else pixel_size_mm, suffix, split.capitalize()])
    return text.getvalue()


def _entry(landmark: Landmark, point: Point) -> dict[str, Any]:
    identifier = {"landmark_id": landmark.aariz_id} if landmark.aariz_id else {}
    x, y = map(_number, point)
    return {**identifier, "title": landmark.name, "symbol": landmark.symbol, "value": {"x": x, "y": y}}


def _number(value: float) -> float | None:
    """The number as int if it is whole, as in the layout's files."""
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else float(value)


def _require_known(points: PointSet) -> None:
    known = {*SCHEMAS["aariz"].names, *SCHEMAS["ruler"].names}
    foreign = [name for name in points.names if name not in known]
    if foreign:
        raise AnnotationError(
            f"the Aariz layout supports its 29 landmarks and p1, p2; the table has {first_of(foreign, 3)}. Use another format, "
            "such as coco."
        )
    unusable = [reader for reader in points.readers if not re.fullmatch(r"[a-z0-9_]+", reader)]
    if unusable:
        raise AnnotationError(
            f"the Aariz layout uses readers' names as folders; found {unusable[0]!r}, expected lower-case letters, digits and _. "
            "Use another format, or leave the reader out with `export.readers`."
        )

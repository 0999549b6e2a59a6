"""Label Studio: tasks with pre-annotations (`tasks.json`), and their labelling interface.

In Label Studio, create a project, paste `labeling_config.xml` under Settings, Labeling Interface, Code, and import `tasks.json`.
The points appear as predictions, which a person can accept or move. Their `model_version` is the reader or the detector's stage.
x and y are percent from the image's edge: the centre of pixel 0 of 200 is 0.25 %.

A point's score is the probability of a radial error below 1 % of the image's long side (about 2 mm on a film of the whole skull),
given the detector's standard deviation along each axis.

Source: https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ceph_pipeline.formats.writers.labelling_interface import Control, interface_of
from ceph_pipeline.formats.writers.point_set import PointSet, WrittenFilm, WrittenPoint
from ceph_pipeline.landmarks.geometry import Size

FILMS = "images"
_NEAR = 0.01
"""Radial error of the score, as a fraction of the long side."""
_DOT = 0.25
"""Size of a point on the screen, in percent of the image's width."""
_OWN_CONTROL = Control()


def label_studio_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of each file; the least certain tasks come first, and tasks without scores keep their order."""
    tasks = sorted((_task(film, points.image_address) for film in points.films), key=_certainty)
    yield "labeling_config.xml", interface_of(points.names)
    yield "tasks.json", json.dumps(tasks, ensure_ascii=False, allow_nan=False)


def score_of(point: WrittenPoint, long_side_px: int) -> float | None:
    """The probability of a radial error below 1 % of the long side, 0–1; None without a standard deviation.

    >>> round(score_of(WrittenPoint(3.0, 4.0, sigma_px=10.0), 2000), 4)
    0.8647
    """
    if math.isnan(point.sigma_px):
        return None
    return 1 - math.exp(-0.5 * (_NEAR * long_side_px / point.sigma_px) ** 2) if point.sigma_px else 1.0


def _task(film: WrittenFilm, address: str) -> dict[str, Any]:
    size = {} if math.isnan(film.pixel_size_mm) else {"pixel_size_mm": film.pixel_size_mm}
    return {
        "data": {"image": address.replace("{path}", quote(film.file)), "split": film.split, **size},
        "predictions": [prediction_of(film.size, reader, found) for reader, found in film.points.items()],
    }


def _certainty(task: Mapping[str, Any]) -> float:
    """The least score of the task's predictions; without scores, a value above every score."""
    return min((prediction["score"] for prediction in task["predictions"] if "score" in prediction), default=2.0)


def prediction_of(size: Size, reader: str, found: Mapping[str, WrittenPoint], control: Control = _OWN_CONTROL) -> dict[str, Any]:
    """One prediction of a task.

    Args:
        size: (width, height) of the image in pixels.
        reader: Reader of the points, which becomes the `model_version`.
        found: Points by full name of the landmark; missing points, and landmarks without a label, are left out.
        control: Control of the labelling interface.
    """
    results = [
        _result(size, label, point, control)
        for name, point in found.items()
        if not point.is_missing and (label := control.label(name)) is not None
    ]
    scores = [result["score"] for result in results if "score" in result]
    overall = {"score": math.fsum(scores) / len(scores)} if scores else {}
    return {"model_version": reader, **overall, "result": results}


def _result(size: Size, label: str, point: WrittenPoint, control: Control) -> dict[str, Any]:
    width, height = size
    score = score_of(point, max(size))
    return {
        "id": label,
        "type": "keypointlabels",
        "from_name": control.name,
        "to_name": control.image,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        **({} if score is None else {"score": score}),
        "value": {
            "x": 100 * (point.x + 0.5) / width,
            "y": 100 * (point.y + 0.5) / height,
            "width": _DOT,
            "keypointlabels": [label],
        },
    }

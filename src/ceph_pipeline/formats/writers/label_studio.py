"""Label Studio: tasks with pre-annotations, `tasks.json`, and the labelling interface that they belong to.

In Label Studio make a project, paste `labeling_config.xml` under Settings, Labeling Interface, Code, and import `tasks.json`: the
points appear as predictions of the model `model_version`, which is their reader or the detector's stage, for a person to
accept or to move. x and y are percent from the image's edge: the centre of pixel 0 of 200 is 0.25 %.

A point's score is the probability that it lies within 1 % of the image's long side (about 2 mm on a whole head) of the
truth, if its error has the standard deviation that the detector states along each axis.

Source: https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from ceph_pipeline.formats.writers.point_set import PointSet, WrittenFilm, WrittenPoint

FILMS = "images"
_NEAR = 0.01
"""Share of the long side that the score speaks of."""
_DOT = 0.25
"""Size of a point on the screen, percent of the image's width."""


def label_studio_files(points: PointSet) -> Iterator[tuple[str, str]]:
    """Name and content of each file."""
    tasks = [_task(film, points.image_address) for film in points.films]
    yield "labeling_config.xml", _labelling_config(points.names)
    yield "tasks.json", json.dumps(tasks, ensure_ascii=False, allow_nan=False)


def score_of(point: WrittenPoint, long_side_px: int) -> float | None:
    """The probability of a radial error below 1 % of the long side, 0–1; None where no standard deviation is known.

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
        "predictions": [_prediction(film, reader, found) for reader, found in film.points.items()],
    }


def _prediction(film: WrittenFilm, reader: str, found: Mapping[str, WrittenPoint]) -> dict[str, Any]:
    results = [_result(film, name, point) for name, point in found.items() if not point.is_missing]
    scores = [result["score"] for result in results if "score" in result]
    overall = {"score": math.fsum(scores) / len(scores)} if scores else {}
    return {"model_version": reader, **overall, "result": results}


def _result(film: WrittenFilm, name: str, point: WrittenPoint) -> dict[str, Any]:
    width, height = film.size
    score = score_of(point, max(film.size))
    return {
        "id": name,
        "type": "keypointlabels",
        "from_name": "landmarks",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        **({} if score is None else {"score": score}),
        "value": {
            "x": 100 * (point.x + 0.5) / width,
            "y": 100 * (point.y + 0.5) / height,
            "width": _DOT,
            "keypointlabels": [name],
        },
    }


def _labelling_config(names: tuple[str, ...]) -> str:
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in names)
    return (
        "<View>\n"
        '  <Image name="image" value="$image" zoom="true" zoomControl="true" brightnessControl="true"/>\n'
        f'  <KeyPointLabels name="landmarks" toName="image" strokeWidth="2">\n{labels}\n  </KeyPointLabels>\n'
        "</View>\n"
    )

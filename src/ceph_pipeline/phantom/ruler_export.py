"""The ruler's two marks as a Label Studio export, separate from the data set in the Aariz layout."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.phantom.specimen import Specimen


def label_studio_json(specimens: Iterable[Specimen]) -> str:
    """A Label Studio export with one task per image: one key point each for p1 and p2, or none if the film shows no ruler.

    Coordinates are percent of the image's width and height, measured from the image's outer corner as in Label Studio: the centre
    of the top left pixel is half a pixel away from (0, 0).
    """
    tasks = [_task(number, specimen) for number, specimen in enumerate(specimens, start=1)]
    return json.dumps(tasks, indent=1)


def _task(number: int, specimen: Specimen) -> dict[str, Any]:
    upload = f"{hashlib.sha256(specimen.image_id.encode()).hexdigest()[:8]}-{specimen.path}"
    annotation = {
        "id": number,
        "completed_by": 1,
        "result": [_keypoint(name, point, specimen) for name, point in specimen.ruler_px().items()],
        "was_cancelled": False,
        "ground_truth": False,
        "task": number,
        "project": 1,
    }
    return {
        "id": number,
        "annotations": [annotation],
        "file_upload": upload,
        "drafts": [],
        "predictions": [],
        "data": {
            "image": f"/data/upload/1/{upload}",
            "machine": specimen.device.machine,
            "pixel_size_mm": specimen.pixel_size_mm,
        },
        "meta": {},
        "inner_id": number,
        "total_annotations": 1,
        "cancelled_annotations": 0,
        "project": 1,
    }


def _keypoint(name: str, point: NDArray[np.float64], specimen: Specimen) -> dict[str, Any]:
    width, height = specimen.size
    return {
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": 100 * (float(point[0]) + 0.5) / width,
            "y": 100 * (float(point[1]) + 0.5) / height,
            "width": 0.3,
            "keypointlabels": [name],
        },
        "id": f"{specimen.image_id}-{name}",
        "from_name": "ruler",
        "to_name": "image",
        "type": "keypointlabels",
        "origin": "manual",
    }

"""Small phantoms (synthetic cephalograms) and their tables, as inputs of stage 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import Specimen, sample_specimen, stream
from ceph_pipeline.training.stage1 import Stage1Tables

if TYPE_CHECKING:
    from pathlib import Path

LONG_SIDE_PX = 320
"""Long side of the drawn films in px. The cache contains films of half this size; the network's input has 128 px."""


def draw_phantoms(folder: Path, seed: int, n_train: int, n_valid: int) -> tuple[Stage1Tables, ImageStore]:
    """Draw films with their true landmarks; the first `n_train` films are training images.

    Args:
        folder: Folder of the cache.
        seed: Seed of the specimens and their noise.
        n_train: Number of training images.
        n_valid: Number of validation images.

    Returns:
        Stage 1's tables, without CVM stages and digests of the sources' pixels, and the cache.
    """
    cache = ImageStore(str(folder), format="npy")
    images, landmarks = [], []
    for index in range(n_train + n_valid):
        specimen = sample_specimen(index, seed, LONG_SIDE_PX)
        film = draw_cephalogram(specimen, stream(seed, index, 1))
        half = (specimen.size[0] // 2, specimen.size[1] // 2)
        cache.write(specimen.image_id, np.asarray(cv2.resize(film, half, interpolation=cv2.INTER_AREA), np.uint8))
        images.append(_image_row(specimen, "train" if index < n_train else "valid"))
        landmarks += _landmark_rows(specimen)
    return (
        Stage1Tables(
            images=pd.DataFrame(images),
            landmarks=pd.DataFrame(landmarks),
            cvm=pd.DataFrame({"image_id": [], "stage": []}),
            source_pixels=pd.DataFrame({"image_id": [], "digest": []}),
        ),
        cache,
    )


def _image_row(specimen: Specimen, split: str) -> dict[str, object]:
    return _origin(specimen) | {
        "path": specimen.path,
        "split": split,
        "subset": split,
        "width": specimen.size[0],
        "height": specimen.size[1],
        "pixel_size_mm": specimen.pixel_size_mm,
        "machine": specimen.device.machine,
        "dataset": "phantom",
    }


def _landmark_rows(specimen: Specimen) -> list[dict[str, object]]:
    points = specimen.landmarks_px()
    return [
        _origin(specimen)
        | {"reader": "consensus", "landmark": landmark.name, "x": points[landmark.symbol][0], "y": points[landmark.symbol][1]}
        for landmark in SCHEMAS["aariz"]
    ]


def _origin(specimen: Specimen) -> dict[str, object]:
    return {"image_id": specimen.image_id, "source_id": specimen.image_id, "kind": "original", "copy": 0}

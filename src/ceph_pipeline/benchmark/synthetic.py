"""Synthetic data: random images, optionally with random points in the tables and the image cache that stage 1 reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.training.stage1 import Stage1Tables

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ORIGINAL = (1935, 2400)
"""(width, height) px of the films that the random images represent."""

N_VALID = 2


def draw_films(count: int) -> list[NDArray[np.uint8]]:
    """Random films of full size, with 8 bits."""
    rng = np.random.default_rng(0)
    return [_clouds(rng, *ORIGINAL) for _ in range(count)]


def draw_data(folder: Path, n_train: int, n_landmarks: int, long_side_px: int) -> tuple[Stage1Tables, ImageStore]:
    """Write a cache of random images, and create the tables that describe them.

    Args:
        folder: Folder of the cache.
        n_train: Number of training images; two validation images are added.
        n_landmarks: Number of landmarks.
        long_side_px: Height of the cached images.
    """
    store = ImageStore(str(folder), format="npy")
    rng = np.random.default_rng(0)
    height, width = long_side_px, round(long_side_px * ORIGINAL[0] / ORIGINAL[1])
    ids = [f"drawn_{number:04d}" for number in range(n_train + N_VALID)]
    for image_id in ids:
        store.write(image_id, _clouds(rng, width, height))
    points = rng.uniform(0.15, 0.85, (len(ids), n_landmarks, 2)) * ORIGINAL
    landmarks = points_table(points, ids, [f"landmark {number}" for number in range(n_landmarks)]).assign(reader="consensus")
    images = pd.DataFrame({"image_id": ids, "source_id": ids}).assign(
        split=["train"] * n_train + ["valid"] * N_VALID,
        subset="drawn",
        kind="original",
        copy=0,
        path="",
        width=ORIGINAL[0],
        height=ORIGINAL[1],
        pixel_size_mm=0.1,
        machine="drawn",
        dataset="drawn",
    )
    nothing = pd.DataFrame({"image_id": ids})
    return (
        Stage1Tables(
            images=images,
            landmarks=landmarks,
            cvm=nothing.assign(stage=1 + rng.integers(0, 6, len(ids))),
            source_pixels=nothing.assign(pixels=""),
        ),
        store,
    )


def _clouds(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    coarse = rng.integers(0, 256, (height // 16, width // 16)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)

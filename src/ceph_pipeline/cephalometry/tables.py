"""Measurements of faces in tables of points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.cephalometry.evaluating import SYMBOLS, evaluate
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS, VERTICAL_MEASUREMENTS
from ceph_pipeline.cephalometry.measuring import pixel_sizes
from ceph_pipeline.cephalometry.propagation import propagate
from ceph_pipeline.landmarks import SCHEMAS


def measure_table(
    points: pd.DataFrame,
    pixel_size_mm: Mapping[str, float],
    by: Sequence[str] = ("image_id",),
    keys: Iterable[str] = tuple(MEASUREMENTS),
) -> pd.DataFrame:
    """Compute measurements of every face of a table.

    Args:
        points: `landmark, x, y` and the columns of `by`; landmarks that no measurement uses are ignored. If there is a column
            `sigma_px`, a point's standard deviation along each axis, the result has a column `sigma`.
        pixel_size_mm: Pixel size by image; NaN where unknown.
        by: The columns that identify a face, including `image_id`.
        keys: Keys of measurements.

    Returns:
        Rows `*by, measurement, value` and, with `sigma_px`, `sigma`: one row for every face and key. A value is NaN if a landmark
        is missing or, for millimetres, the pixel size.
    """
    known = points[points["landmark"].isin(SCHEMAS["aariz"].names)]
    by, keys = list(by), list(keys)
    numbers = known.groupby(by, sort=False).ngroup().to_numpy()
    faces = known[by].drop_duplicates().reset_index(drop=True)
    columns = [list(MEASUREMENTS).index(key) for key in keys]
    rows = pd.Index(SCHEMAS["aariz"].names).get_indexer(pd.Index(known["landmark"]))
    xy = _by_face(known[["x", "y"]].to_numpy(np.float64), numbers, rows, len(faces))
    sizes = pixel_sizes(np.array([pixel_size_mm[image_id] for image_id in faces["image_id"]], dtype=np.float64))
    table = faces.loc[faces.index.repeat(len(keys))].reset_index(drop=True)
    table["measurement"] = np.tile(np.array(keys, dtype=object), len(faces))
    table["value"] = evaluate(xy, sizes)[:, columns].ravel()
    if "sigma_px" in known:
        sigma = _by_face(known[["sigma_px"]].to_numpy(np.float64), numbers, rows, len(faces))
        table["sigma"] = propagate(xy, sizes, np.square(sigma)[..., None] * np.eye(2))[:, columns].ravel()
    return table


def vertical_measurements(images: pd.DataFrame, landmarks: pd.DataFrame) -> pd.DataFrame:
    """Rows `image_id, reader, measurement, value` of the ten vertical measurements, for every reader and the consensus."""
    pixel_sizes_mm = dict(zip(images["image_id"], images["pixel_size_mm"], strict=True))
    return measure_table(landmarks, pixel_sizes_mm, ("image_id", "reader"), VERTICAL_MEASUREMENTS)


def _by_face(values: NDArray[np.float64], faces: NDArray[np.integer], rows: NDArray[np.integer], n: int) -> NDArray[np.float64]:
    """Rows of a table as `(N, K, columns)`; NaN for a missing row."""
    spread = np.full((n, len(SYMBOLS), values.shape[1]), np.nan)
    spread[faces, rows] = values
    return spread

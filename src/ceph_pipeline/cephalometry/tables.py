"""Measurements of tables of points."""

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
    """Measure every face of a table.

    Args:
        points: `landmark, x, y` and the columns of `by`; landmarks that no measurement knows are passed over. With
            `sigma_px`, a point's standard deviation along each axis, measurements get theirs.
        pixel_size_mm: By image; NaN where unknown.
        by: The columns that make a face, `image_id` among them.
        keys: Which measurements.

    Returns:
        Rows `*by, measurement, value`, and `sigma` with `sigma_px`: a row for every face and key, NaN where a landmark or, for
        millimetres, the pixel size is missing.
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
    """Rows `image_id, reader, measurement, value` of the ten vertical measurements, of every reader and of the consensus."""
    pixel_sizes_mm = dict(zip(images["image_id"], images["pixel_size_mm"], strict=True))
    return measure_table(landmarks, pixel_sizes_mm, ("image_id", "reader"), VERTICAL_MEASUREMENTS)


def _by_face(values: NDArray[np.float64], faces: NDArray[np.integer], rows: NDArray[np.integer], n: int) -> NDArray[np.float64]:
    """Rows of a table as `(N, K, columns)`, NaN where there is none."""
    spread = np.full((n, len(SYMBOLS), values.shape[1]), np.nan)
    spread[faces, rows] = values
    return spread

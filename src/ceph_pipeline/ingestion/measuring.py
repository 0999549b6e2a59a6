"""The measurements table: what a network's second head learns."""

from __future__ import annotations

import pandas as pd

from ceph_pipeline.cephalometry import VERTICAL_MEASUREMENTS, measure
from ceph_pipeline.landmarks import SCHEMAS


def measurement_table(images: pd.DataFrame, landmarks: pd.DataFrame) -> pd.DataFrame:
    """The ten vertical measurements of every image and reader, the consensus included.

    Args:
        images: The images table, for the pixel sizes.
        landmarks: The landmarks table; labels beyond the 29 landmarks are passed over.

    Returns:
        Rows `image_id, reader, measurement, value`; NaN where a landmark or the pixel size is missing.
    """
    pixel_sizes = dict(zip(images["image_id"], images["pixel_size_mm"], strict=True))
    known = landmarks[landmarks["landmark"].isin(SCHEMAS["aariz"].names)]
    rows = []
    for (image_id, reader), group in known.groupby(["image_id", "reader"], sort=False):
        points = dict(zip(group["landmark"], zip(group["x"], group["y"], strict=True), strict=True))
        values = measure(points, pixel_sizes[image_id], VERTICAL_MEASUREMENTS)
        rows += [(image_id, reader, key, value) for key, value in values.items()]
    return pd.DataFrame(rows, columns=["image_id", "reader", "measurement", "value"]).astype({"value": float})

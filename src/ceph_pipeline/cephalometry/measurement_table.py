"""The measurements table of annotated cephalograms."""

from __future__ import annotations

import pandas as pd

from ceph_pipeline.cephalometry.measurements import VERTICAL_MEASUREMENTS
from ceph_pipeline.cephalometry.tables import measure_table


def measurement_table(images: pd.DataFrame, landmarks: pd.DataFrame) -> pd.DataFrame:
    """The ten vertical measurements of every image and reader, the consensus included.

    Args:
        images: The images table, for the pixel sizes.
        landmarks: The landmarks table; labels beyond the 29 landmarks are passed over.

    Returns:
        Rows `image_id, reader, measurement, value`; NaN where a landmark or the pixel size is missing.
    """
    pixel_sizes = dict(zip(images["image_id"], images["pixel_size_mm"], strict=True))
    return measure_table(landmarks, pixel_sizes, ("image_id", "reader"), VERTICAL_MEASUREMENTS)

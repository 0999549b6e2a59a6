"""One set of points out of several readers'."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from ceph_pipeline.landmarks.tables import CONSENSUS, reader_points

ConsensusMethod = Literal["mean", "ceil_mean"]
"""Plain mean of the readers, or the mean rounded up to whole pixels, which is Aariz's official ground truth."""


def with_consensus(landmarks: pd.DataFrame, method: ConsensusMethod = "mean", reader: str | None = None) -> pd.DataFrame:
    """Add rows of reader `consensus`: the mean of the readers that have the point.

    A point that one reader has is that reader's; a point that none has stays NaN. A table that brings its own consensus is
    returned as it is.

    Args:
        landmarks: Rows `image_id, reader, landmark, x, y`.
        method: `mean`, or `ceil_mean` for the mean rounded up.
        reader: Whose points are the consensus, instead.

    Raises:
        ValueError: there is no such reader.
    """
    if (landmarks["reader"] == CONSENSUS).any():
        return landmarks
    if reader is not None:
        return pd.concat([landmarks, reader_points(landmarks, reader).assign(reader=CONSENSUS)], ignore_index=True)
    mean = landmarks.groupby(["image_id", "landmark"], sort=False)[["x", "y"]].mean().reset_index()
    if method == "ceil_mean":
        mean[["x", "y"]] = np.ceil(mean[["x", "y"]])
    mean.insert(1, "reader", CONSENSUS)
    return pd.concat([landmarks, mean], ignore_index=True)

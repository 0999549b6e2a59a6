"""The consensus of several readers' points."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
import pandas as pd

from ceph_pipeline.landmarks.tables import CONSENSUS, reader_points

logger = logging.getLogger(__name__)

ConsensusMethod = Literal["mean", "ceil_mean"]
"""Mean of the readers, or the mean rounded up to whole pixels, which is Aariz's official ground truth."""


def with_consensus(landmarks: pd.DataFrame, method: ConsensusMethod = "mean", reader: str | None = None) -> pd.DataFrame:
    """Add rows of reader `consensus`: the mean of the readers that have the point.

    If only one reader has a point, the consensus is that point. If no reader has it, the consensus is NaN. An existing consensus
    of a film is kept.

    Args:
        landmarks: Rows `image_id, reader, landmark, x, y`.
        method: `mean`, or `ceil_mean` for the mean rounded up.
        reader: Reader whose points are used instead of the mean and of an existing consensus. Films that this reader has not
            annotated have no consensus, and a warning is logged.

    Raises:
        ValueError: there is no such reader.
    """
    is_consensus = landmarks["reader"] == CONSENSUS
    if reader is not None:
        chosen = reader_points(landmarks, reader)
        _warn_of_unread(landmarks, chosen, reader)
        return pd.concat([landmarks[~is_consensus], chosen.assign(reader=CONSENSUS)], ignore_index=True)
    without = landmarks[~landmarks["image_id"].isin(landmarks.loc[is_consensus, "image_id"])]
    if without.empty:
        return landmarks
    mean = without.groupby(["image_id", "landmark"], sort=False)[["x", "y"]].mean().reset_index()
    if method == "ceil_mean":
        mean[["x", "y"]] = np.ceil(mean[["x", "y"]])
    mean.insert(1, "reader", CONSENSUS)
    return pd.concat([landmarks, mean], ignore_index=True)


def _warn_of_unread(landmarks: pd.DataFrame, chosen: pd.DataFrame, reader: str) -> None:
    read, seen = (set(table.dropna(subset=["x", "y"])["image_id"]) for table in (landmarks, chosen))
    if unread := len(read - seen):
        logger.warning(
            "ingestion.consensus_reader = %s: %d of %d annotated films have no points of this reader, so no ground truth. "
            "Set `consensus_reader: null` to use the readers' mean, or leave these films out (`ingestion.exclude`)",
            *(reader, unread, len(read)),
        )

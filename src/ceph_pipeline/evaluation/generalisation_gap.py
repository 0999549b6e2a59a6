"""Generalisation gap: the error in px on training, validation and test images."""

import numpy as np
import pandas as pd

from ceph_pipeline.evaluation.errors import error_matrix
from ceph_pipeline.evaluation.intervals import ends, mean_interval
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.landmarks.tables import SPLITS, patients_of


def gap_table(errors: pd.DataFrame, images: pd.DataFrame, statistics: StatisticsParams) -> pd.DataFrame:
    """Mean radial error of each stage on each split.

    Args:
        errors: Rows of `ErrorTable`, for images of any split.
        images: `image_id, split`.
        statistics: Resamples.

    Returns:
        `stage, split, n_images, mre_px, mre_px_low, mre_px_high` (over images)`, over_training`: the error divided by the error
        on the training split, NaN if the training split was not predicted. Stages without a training error are omitted.
    """
    split = errors["image_id"].map(images.set_index("image_id")["split"])
    rows = []
    for stage in stages_in(errors[split == "train"]):
        trained = np.nan
        for name in SPLITS:
            part = errors[(split == name) & (errors["stage"] == stage)]
            if part["error_px"].notna().any():
                table = error_matrix(part, stage, "px")
                matrix, patients = table.to_numpy(), patients_of(part, table.index)
                bounds = ends(mean_interval(matrix, patients=patients, **statistics.draws))
                mean = float(np.nanmean(matrix))
                trained = mean if name == "train" else trained
                rows.append((stage, name, int(np.isfinite(matrix).any(axis=1).sum()), mean, *bounds, mean / trained))
    columns = ["stage", "split", "n_images", "mre_px", "mre_px_low", "mre_px_high", "over_training"]
    return pd.DataFrame(rows, columns=columns)

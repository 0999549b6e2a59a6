"""Agreement of the CVM head, and comparison of the measurement head with measurements of the predicted points."""

from typing import Any

import numpy as np
import pandas as pd

from ceph_pipeline.cephalometry.learned import CVM_STAGE
from ceph_pipeline.evaluation.agreement import agreement
from ceph_pipeline.evaluation.intervals import ends, improvement
from ceph_pipeline.evaluation.measurement_errors import KEYS, as_fields
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.landmarks.tables import patients_of

CVM_STAGES = 6


def cvm_agreement(outputs: pd.DataFrame, cvm: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any] | None:
    """Agreement of predicted and true CVM stages.

    Args:
        outputs: `image_id, output, value` of the heads and, where known, `patient`, on the evaluated images.
        cvm: `image_id, stage`, CS1–CS6 as 1–6.
        statistics: Resamples.

    Returns:
        The fields of `Agreement`, or None where no image has both a prediction and a stage.
    """
    both = outputs[outputs["output"] == CVM_STAGE].merge(cvm, on="image_id")
    if both.empty:
        return None
    patients = patients_of(outputs, both["image_id"])
    return as_fields(agreement(both["stage"] - 1, both["value"] - 1, CVM_STAGES, patients=patients, **statistics.draws))


def head_table(
    outputs: pd.DataFrame, found: pd.DataFrame, truth: pd.DataFrame, guess: pd.Series, statistics: StatisticsParams
) -> pd.DataFrame:
    """Mean absolute error of each measurement: from the head, from the predicted points, and of the training mean.

    Args:
        outputs: `image_id, output, value` of the heads, on the evaluated images.
        found: `image_id, measurement, value` of predicted points and, where known, `patient`.
        truth: The same for the true points.
        guess: The mean of the training images by measurement, the baseline for all images.
        statistics: Resamples.

    Returns:
        `measurement, n, mae_head, mae_landmarks, mae_guess, difference` (head minus landmarks; above 0 the points are better)`,
        difference_low, difference_high` (95 %, paired), on the images where all three values are known. Empty if the network has
        no measurement head.
    """
    heads = outputs.rename(columns={"output": "measurement", "value": "head"})[[*KEYS, "head"]]
    rows = heads.merge(found, on=KEYS).merge(truth, on=KEYS, suffixes=("", "_true")).dropna()
    found_rows = []
    for key, group in rows.groupby("measurement", sort=False):
        by_head = (group["head"] - group["value_true"]).abs().to_numpy()[:, None]
        by_points = (group["value"] - group["value_true"]).abs().to_numpy()[:, None]
        by_guess = (guess.get(key, np.nan) - group["value_true"]).abs().mean()
        result = improvement(by_head, by_points, patients=patients_of(found, group["image_id"]), **statistics.draws)
        bounds = ends(result.difference_interval)
        found_rows.append((key, len(group), by_head.mean(), by_points.mean(), by_guess, result.difference, *bounds))
    columns = ["measurement", "n", "mae_head", "mae_landmarks", "mae_guess", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(found_rows, columns=columns).astype(dict.fromkeys(columns[2:], float))

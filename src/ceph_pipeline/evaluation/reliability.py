"""Whether the predicted standard deviations are those of the errors."""

import numpy as np
import pandas as pd

from ceph_pipeline.evaluation.stages import stages_in

N_BINS = 10


def reliability_table(predictions: pd.DataFrame, errors: pd.DataFrame, n_bins: int = N_BINS) -> pd.DataFrame:
    """Predicted against observed standard deviation, in bins of equally many points.

    Args:
        predictions: `image_id, stage, landmark, sigma_px`.
        errors: Rows of `ErrorTable` of the images that count.
        n_bins: Bins a stage; fewer where there are fewer points.

    Returns:
        `stage, bin, n, sigma_px` (root mean square of the bin's predictions)`, observed_px`: the errors' standard deviation along
        one axis, the root of half their mean square.

    Source: Levi et al., Evaluating and calibrating uncertainty prediction in regression tasks, 2020.
    """
    both = errors.merge(predictions[["image_id", "stage", "landmark", "sigma_px"]], on=["image_id", "stage", "landmark"])
    both = both.dropna(subset=["error_px", "sigma_px"])
    rows = []
    for stage in stages_in(both):
        points = both[both["stage"] == stage].sort_values("sigma_px", kind="stable")
        for number, part in enumerate(np.array_split(np.arange(len(points)), min(n_bins, len(points)))):
            chosen = points.iloc[part]
            sigma = float(np.sqrt((chosen["sigma_px"] ** 2).mean()))
            observed = float(np.sqrt((chosen["error_px"] ** 2).mean() / 2))
            rows.append((stage, number, len(chosen), sigma, observed))
    return pd.DataFrame(rows, columns=["stage", "bin", "n", "sigma_px", "observed_px"])


def calibration_error(table: pd.DataFrame, stage: str) -> float:
    """Expected normalised calibration error: mean over the bins of |observed − predicted| / predicted, 0 where calibrated."""
    rows = table[(table["stage"] == stage) & (table["sigma_px"] > 0)]
    return float(((rows["observed_px"] - rows["sigma_px"]).abs() / rows["sigma_px"]).mean())

"""Uncertainty of the points in a predictions table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.landmarks.tables import Unit
from ceph_pipeline.uncertainty.model import UncertaintyModel
from ceph_pipeline.uncertainty.stage import UNITS


def judge_points(
    predictions: pd.DataFrame, models: Mapping[Unit, UncertaintyModel], pixel_size_mm: Mapping[str, float]
) -> pd.DataFrame:
    """Add the calibrated uncertainty of each point.

    Args:
        predictions: One stage's rows of `PredictionTable`.
        models: The stage's models by unit. The model in mm is used for images with a pixel size, the model in px for all others,
            or for all images if there is no model in mm.
        pixel_size_mm: Pixel size of each image; NaN where unknown.

    Returns:
        The rows with `calibrated_sigma_px`, `radius_px`, `radius_mm` and `flagged`. The true point lies within the radius with
        the probability of the model's level; a radius is NaN if the model's radii are infinite, and `radius_mm` also without a
        pixel size. `flagged`: a person should check the point. Points of a landmark without calibration have no standard
        deviation and no radius, and are flagged.
    """
    size = predictions["image_id"].map(pixel_size_mm).to_numpy(np.float64)
    in_mm = np.isfinite(size) & ("mm" in models)
    sigma, radius = np.full(len(size), np.nan), np.full(len(size), np.nan)
    flagged = np.ones(len(size), dtype=bool)
    for unit, rows in zip(UNITS, (in_mm, ~in_mm), strict=True):
        if not rows.any():
            continue
        length = size[rows] if unit == "mm" else np.ones(int(rows.sum()))
        model = models[unit].of(predictions.loc[rows, "landmark"].tolist())
        judged = model.judge(predictions.loc[rows, "sigma_px"].to_numpy(np.float64)[None] * length)
        sigma[rows], flagged[rows] = judged.sigma[0] / length, judged.flagged[0]
        radius[rows] = np.where(np.isfinite(judged.radius[0]), judged.radius[0] / length, np.nan)
    return predictions.assign(calibrated_sigma_px=sigma, radius_px=radius, radius_mm=radius * size, flagged=flagged)


def sigma_px(points: pd.DataFrame) -> NDArray[np.float64]:
    """Each point's standard deviation along an axis: calibrated where available, else as predicted by the network."""
    own = points["sigma_px"].to_numpy(np.float64)
    if "calibrated_sigma_px" not in points:
        return own
    calibrated = points["calibrated_sigma_px"].to_numpy(np.float64)
    return np.where(np.isfinite(calibrated), calibrated, own)

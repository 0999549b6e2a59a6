"""Predicted landmarks and their uncertainty."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.landmarks.tables import empty_table, points_array, points_table

MIN_PEAK = 0.01
"""Lower bound of heatmap peaks; lower peaks carry no further information about the uncertainty."""


class Located(NamedTuple):
    """Landmarks of N images.

    Attributes:
        xy: `(N, K, 2)` px of the original images.
        sigma_px: `(N, K)` px, estimated standard deviation along one axis.
        peak: `(N, K)`, height of the whole image's heatmap: near 1 if stage 1 is certain, near 0 if it finds no such landmark.
    """

    xy: NDArray[np.float64]
    sigma_px: NDArray[np.float64]
    peak: NDArray[np.float64]


def posterior_sd(peak: NDArray[np.float64], target_sd: float) -> NDArray[np.float64]:
    """The standard deviation of a point, derived from the height of its heatmap's peak.

    A network trained on Gaussian targets with peak 1 and standard deviation t learns their average over the possible positions
    of the point. If the position is normally distributed with standard deviation s along each axis, the peak of the average
    is t² / (t² + s²).

    Args:
        peak: Any shape; 1 is certain.
        target_sd: t, in heatmap px.

    Returns:
        s, in heatmap px; 0 for peaks of 1 and above.
    """
    return target_sd * np.sqrt(1 / np.clip(peak, MIN_PEAK, 1.0) - 1)


def combined_sd(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root of the sum of squares; unknown parts (NaN) are ignored."""
    return np.sqrt(sum(np.nan_to_num(part) ** 2 for part in parts))


def lies_outside(xy: NDArray[np.float64], sizes: ArrayLike) -> NDArray[np.bool_]:
    """Whether points lie outside their image; False for unknown points (NaN). Pixel centres are at integers.

    Args:
        xy: `(N, K, 2)` px.
        sizes: `(N, 2)` width and height in px.

    Returns:
        `(N, K)`.
    """
    beyond = (xy < -0.5) | (xy > np.asarray(sizes).reshape(-1, 1, 2) - 0.5)
    return np.asarray(beyond.any(axis=-1))


def prediction_rows(located: Located, image_ids: list[str], landmarks: list[str], stage: str) -> pd.DataFrame:
    """Rows of a `PredictionTable`, in the order of the images and landmarks."""
    rows = points_table(located.xy, image_ids, landmarks)
    rows.insert(1, "stage", stage)
    return rows.assign(sigma_px=located.sigma_px.ravel(), peak=located.peak.ravel())


def no_predictions() -> pd.DataFrame:
    """A `PredictionTable` without rows."""
    return empty_table(
        dict.fromkeys(("image_id", "stage", "landmark"), str) | dict.fromkeys(("x", "y", "sigma_px", "peak"), float)
    )


def located_in(rows: pd.DataFrame, image_ids: list[str], landmarks: list[str]) -> Located:
    """The points of one stage's rows of a `PredictionTable`, in the given orders; NaN for missing points.

    Raises:
        ValueError: the rows are of more than one stage.
    """
    xy = points_array(rows, image_ids, landmarks)
    full = pd.MultiIndex.from_product([image_ids, landmarks])
    sureness = rows.set_index(["image_id", "landmark"])[["sigma_px", "peak"]].reindex(full).to_numpy(np.float64)
    return Located(xy, *sureness.T.reshape(2, len(image_ids), len(landmarks)))

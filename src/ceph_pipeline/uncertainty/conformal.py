"""Conformal radii: the true point lies within the radius with a given probability, for any distribution of the errors.

Split conformal prediction uses images that are used for nothing else. The score of a point is its error divided by its
calibrated standard deviation. A quantile of the scores, times a new point's standard deviation, is the radius of the point.
Errors of points in one image are correlated. Exchangeable units are therefore images, or patients if a patient has several
images. Each unit has the same weight; one additional unit, for the new image, has infinite scores.

Source: Lee, Barber and Willett, Distribution-free inference with hierarchical data, 2023 (hierarchical conformal prediction).
"""

import math

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import InvalidValueError


def conformal_factor(scores: NDArray[np.float64], level: float) -> float:
    """The factor from standard deviation to radius for which a random point of a new image is covered with probability `level`.

    Args:
        scores: `(N, K)`, radial error divided by calibrated standard deviation; NaN where unknown.
        level: In (0, 1), such as 0.9.

    Returns:
        The factor; infinite for fewer than level / (1 − level) images, 9 for a level of 0.9.

    Raises:
        ValueError: the level is not in (0, 1).
    """
    if not 0 < level < 1:
        raise InvalidValueError(f"the coverage is {level}, expected a share between 0 and 1, such as 0.9.")
    known = np.isfinite(scores)
    images = known.any(axis=1)
    n_images = int(images.sum())
    weight = known / np.maximum(known.sum(axis=1, keepdims=True), 1) / (n_images + 1)
    order = np.argsort(scores[known], kind="stable")
    reached = np.cumsum(weight[known][order])
    rank = int(np.searchsorted(reached, level - 1e-12))
    return float(scores[known][order][rank]) if rank < len(order) else math.inf


def sources_needed(level: float) -> int:
    """Minimum number of images for finite radii at a level in (0, 1): the smallest n with n / (n + 1) at least the level."""
    return math.ceil(level / (1 - level) - 1e-9)


def coverage(errors: NDArray[np.float64], radii: NDArray[np.float64]) -> float:
    """Share of the known errors `(N, K)` that lie within their radii, with equal weights of images; NaN without any."""
    shares = covered_shares(errors, radii)
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else math.nan


def covered_shares(errors: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each image's share `(N,)` of known errors `(N, K)` that lie within their radii; NaN for an image without any."""
    known = np.isfinite(errors)
    n_known = known.sum(axis=1)
    return np.where(n_known > 0, (known & (errors <= radii)).sum(axis=1) / np.maximum(n_known, 1), np.nan)

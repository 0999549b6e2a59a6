"""Radii within which the true point lies with a stated probability, whatever the errors' distribution.

Split conformal prediction: on images used for nothing else, the error over the calibrated standard deviation is a score;
its right quantile, times a new point's standard deviation, is that point's radius. Points of one image err together, so
images and not points are exchangeable, or patients where one has several: each weighs the same, and one more, unseen, counts as
infinitely wrong.

Source: Lee, Barber and Willett, Distribution-free inference with hierarchical data, 2023 (hierarchical conformal prediction).
"""

import math

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import InvalidValueError


def conformal_factor(scores: NDArray[np.float64], level: float) -> float:
    """The factor on a point's standard deviation whose radius covers a random point of a new image with probability `level`.

    Args:
        scores: `(N, K)`, radial error over calibrated standard deviation; NaN where unknown.
        level: In (0, 1), such as 0.9.

    Returns:
        The factor; infinite where fewer than level / (1 − level) images are there, 9 for 0.9.

    Raises:
        ValueError: the level is not in (0, 1).
    """
    if not 0 < level < 1:
        raise InvalidValueError(f"a coverage of {level} was asked for, expected a share between 0 and 1, such as 0.9.")
    known = np.isfinite(scores)
    images = known.any(axis=1)
    n_images = int(images.sum())
    weight = known / np.maximum(known.sum(axis=1, keepdims=True), 1) / (n_images + 1)
    order = np.argsort(scores[known], kind="stable")
    reached = np.cumsum(weight[known][order])
    rank = int(np.searchsorted(reached, level - 1e-12))
    return float(scores[known][order][rank]) if rank < len(order) else math.inf


def sources_needed(level: float) -> int:
    """The fewest images whose radii are finite at a level in (0, 1): n with n / (n + 1) at least the level."""
    return math.ceil(level / (1 - level) - 1e-9)


def coverage(errors: NDArray[np.float64], radii: NDArray[np.float64]) -> float:
    """Share of the known errors `(N, K)` that lie within their radii, each image counted the same; NaN without any."""
    shares = covered_shares(errors, radii)
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else math.nan


def covered_shares(errors: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each image's share `(N,)` of known errors `(N, K)` that lie within their radii; NaN where it has none."""
    known = np.isfinite(errors)
    n_known = known.sum(axis=1)
    return np.where(n_known > 0, (known & (errors <= radii)).sum(axis=1) / np.maximum(n_known, 1), np.nan)

"""One point and its spread from what a network sees in several views."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.errors import InvalidValueError

Fusion = Literal["mean", "median", "confidence"]
"""How the views' answers become one: `confidence` weighs them by their scores."""


def fuse_views(
    points: ArrayLike, scores: ArrayLike | None = None, how: Fusion = "mean"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One point from each landmark's answers in several views.

    Args:
        points: `(V, N, K, 2)`, mapped back to one frame; an answer that is NaN is left out.
        scores: `(V, N, K)`, ≥ 0, confidence of each answer; only `confidence` needs it.
        how: `mean`, `median` (per axis) or `confidence` (mean weighted by the scores; plain where all are 0).

    Returns:
        Points `(N, K, 2)`, and their spread `(N, K)`: the standard deviation of the answers along one axis, in the
        points' unit; NaN where fewer than two views answered.

    Raises:
        ValueError: the shapes do not belong together, `confidence` is asked for without scores, or there is no such fusion.
    """
    if how not in get_args(Fusion):
        raise InvalidValueError(f"fusion = {how!r}: should be {', '.join(map(repr, get_args(Fusion)))}.")
    points = np.asarray(points, np.float64)
    if points.ndim != 4 or points.shape[-1] != 2 or not len(points):
        raise InvalidValueError(f"answers of views must be (V, N, K, 2) with V ≥ 1, got {points.shape}.")
    known = ~np.isnan(points).any(axis=-1)
    fused = _median(points, known) if how == "median" else _weighted_mean(points, _view_weights(known, scores, how))
    squared = np.where(known, ((points - fused) ** 2).sum(axis=-1), 0.0).sum(axis=0)
    n_known = known.sum(axis=0)
    freedom = np.where(n_known > 1, 2.0 * (n_known - 1), np.nan)  # two axes, each with its mean taken from the data
    return fused, np.sqrt(squared / freedom)


def _view_weights(known: NDArray[np.bool_], scores: ArrayLike | None, how: Fusion) -> NDArray[np.float64]:
    """Weight of every answer, `(V, N, K)`."""
    if how == "mean":
        return known.astype(np.float64)
    if scores is None:
        raise InvalidValueError("fusing by confidence needs the views' scores.")
    scores = np.asarray(scores, np.float64)
    if scores.shape != known.shape:
        raise InvalidValueError(f"fusing by confidence needs scores of shape {known.shape}, got {scores.shape}.")
    weights = np.where(known, np.nan_to_num(scores).clip(min=0), 0.0)  # peaks of unbounded maps may lie below 0
    return np.where(weights.sum(axis=0) > 0, weights, known)


def _weighted_mean(points: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total = weights.sum(axis=0)[..., None]
    summed: NDArray[np.float64] = (np.nan_to_num(points) * weights[..., None]).sum(axis=0)
    np.divide(summed, total, out=summed, where=total > 0)
    return np.where(total > 0, summed, np.nan)


def _median(points: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median per axis over the known answers, NaN where there is none."""
    answered = known.any(axis=0)
    fused = np.full(points.shape[1:], np.nan)
    fused[answered] = np.nanmedian(np.where(known[..., None], points, np.nan)[:, answered], axis=0)
    return fused

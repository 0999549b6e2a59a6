"""Fuse the points predicted in several views into one point with its spread."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.errors import InvalidValueError

Fusion = Literal["mean", "median", "confidence"]
"""How the predictions of the views are fused; `confidence` weights them by their scores."""


def fuse_views(
    points: ArrayLike, scores: ArrayLike | None = None, how: Fusion = "mean"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fuse each landmark's predictions in several views into one point.

    Args:
        points: `(V, N, K, 2)`, mapped back to one frame; NaN predictions are ignored.
        scores: `(V, N, K)`, ≥ 0, confidence of each prediction; required only for `confidence`.
        how: `mean`, `median` (per axis) or `confidence` (mean weighted by the scores; unweighted where all are 0).

    Returns:
        Points `(N, K, 2)`, and their spread `(N, K)`: the standard deviation of the predictions along one axis, in the points'
        unit; NaN for fewer than two predictions.

    Raises:
        ValueError: the shapes do not match, `confidence` is used without scores, or the fusion is unknown.
    """
    if how not in get_args(Fusion):
        raise InvalidValueError(f"fusion = {how!r}: should be {', '.join(map(repr, get_args(Fusion)))}.")
    points = np.asarray(points, np.float64)
    if points.ndim != 4 or points.shape[-1] != 2 or not len(points):
        raise InvalidValueError(f"predictions of views must be (V, N, K, 2) with V ≥ 1, got {points.shape}.")
    known = ~np.isnan(points).any(axis=-1)
    fused = _median(points, known) if how == "median" else _weighted_mean(points, _view_weights(known, scores, how))
    squared = np.where(known, ((points - fused) ** 2).sum(axis=-1), 0.0).sum(axis=0)
    n_known = known.sum(axis=0)
    freedom = np.where(n_known > 1, 2.0 * (n_known - 1), np.nan)  # two axes, each with one degree of freedom used for the mean
    return fused, np.sqrt(squared / freedom)


def _view_weights(known: NDArray[np.bool_], scores: ArrayLike | None, how: Fusion) -> NDArray[np.float64]:
    """Weight of each prediction, `(V, N, K)`."""
    if how == "mean":
        return known.astype(np.float64)
    if scores is None:
        raise InvalidValueError("fusing by confidence needs the views' scores.")
    scores = np.asarray(scores, np.float64)
    if scores.shape != known.shape:
        raise InvalidValueError(f"fusing by confidence needs scores of shape {known.shape}, got {scores.shape}.")
    weights = np.where(known, np.nan_to_num(scores).clip(min=0), 0.0)  # peaks of unbounded maps may be negative
    return np.where(weights.sum(axis=0) > 0, weights, known)


def _weighted_mean(points: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    total = weights.sum(axis=0)[..., None]
    summed: NDArray[np.float64] = (np.nan_to_num(points) * weights[..., None]).sum(axis=0)
    np.divide(summed, total, out=summed, where=total > 0)
    return np.where(total > 0, summed, np.nan)


def _median(points: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median per axis over the known predictions; NaN without any."""
    answered = known.any(axis=0)
    fused = np.full(points.shape[1:], np.nan)
    fused[answered] = np.nanmedian(np.where(known[..., None], points, np.nan)[:, answered], axis=0)
    return fused

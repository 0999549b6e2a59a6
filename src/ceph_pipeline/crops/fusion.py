"""Fuse the predictions of several crops into one point."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.crops.params import RefinementParams


@dataclass(frozen=True)
class Fused:
    """Points after refinement.

    Attributes:
        xy: `(N, K, 2)` px of the image.
        sd: `(N, K)` px, weighted standard deviation of the predictions per axis, also where the fallback is used.
        refined: `(N, K)`, False where the fallback is used.
    """

    xy: NDArray[np.float64]
    sd: NDArray[np.float64]
    refined: NDArray[np.bool_]


def fuse(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    fallback: NDArray[np.float64],
    field_px: NDArray[np.float64],
    params: RefinementParams,
    landmarks: Sequence[str],
) -> Fused:
    """Average the predictions of the crops, weighted by confidence, and of stage 1; fall back to stage 1's points if uncertain.

    The fallback is used in three cases: the mean confidence is low, the predictions disagree, or their average lies outside the
    centred crop. A refined point therefore never leaves the centred crop.

    Args:
        points: `(N, K, S, 2)` px of the image, S predictions per point; NaN means no prediction.
        scores: `(N, K, S)`, confidences ≥ 0.
        fallback: `(N, K, 2)` px, stage 1's points, the centres of the first round's crops.
        field_px: `(N,)` px, side of the field of view.
        params: Thresholds of the fallback, and the weight of stage 1's points.
        landmarks: K names.

    Raises:
        ValueError: `params` name a landmark that is not among them.
    """
    answered = np.isfinite(points).all(axis=-1)
    weights = np.where(answered, np.maximum(scores, 0.0), 0.0)
    total = weights.sum(axis=-1)
    shares = weights / np.maximum(total, 1e-12)[..., None]
    answers = np.where(np.expand_dims(answered, -1), points, fallback[:, :, None])
    mean = (answers * shares[..., None]).sum(axis=2)
    variance = (((answers - mean[:, :, None]) ** 2).sum(axis=-1) * shares).sum(axis=-1) / 2
    side = field_px[:, None]
    refined = (
        (total / points.shape[2] >= params.min_score)
        & (total > 0)
        & (np.sqrt(variance) <= params.max_spread_of_field * side)
        & (np.abs(mean - fallback).max(axis=-1) <= side / 2)
    )
    share = params.shares(landmarks)
    joined = mean + share[:, None] * (fallback - mean)
    between = share * (1 - share) * ((mean - fallback) ** 2).sum(axis=-1) / 2
    sd = np.sqrt((1 - share) * variance + between)
    return Fused(np.where(refined[..., None], joined, fallback), sd, refined)

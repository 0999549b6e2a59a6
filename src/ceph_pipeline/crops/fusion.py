"""One answer from the answers of several crops."""

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
        sd: `(N, K)` px, weighted standard deviation per axis of the answers, also where they were not believed.
        refined: `(N, K)`, False where the fallback stands.
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
    """Average the crops' answers and stage 1's, weighted by confidence, and believe the average only where the crops are sure.

    The fallback stands where the mean confidence is low, where the answers disagree, or where their average lies outside
    the centred crop: a refinement moves a point within what it was shown, not further.

    Args:
        points: `(N, K, S, 2)` px of the image, S answers a point; NaN counts as no answer.
        scores: `(N, K, S)`, confidences ≥ 0.
        fallback: `(N, K, 2)` px, stage 1's points, about which the crops were cut.
        field_px: `(N,)` px, side of the field of view.
        params: What counts as sure.
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

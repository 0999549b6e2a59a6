"""Loss of the maps of landmarks that are not visible in an image."""

import math

import torch
from torch import Tensor

from ceph_pipeline.heatmaps import Activation
from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.losses.masking import masked_mean


def is_absent(points: Tensor, visible: Tensor) -> Tensor:
    """Which landmarks are known to be absent from an image: `(N, K)`.

    Landmarks that lie outside the image are absent, and all landmarks of an image without any annotation. A landmark without an
    annotation in an image with others may be visible; it has no effect on the loss.

        >>> marked, left_out = [3.0, 4.0], [torch.nan, torch.nan]
        >>> is_absent(torch.tensor([[marked, left_out], [left_out, left_out]]), torch.tensor([[True, False], [False, False]]))
        tensor([[False, False],
                [ True,  True]])

    Args:
        points: `(N, K, 2)`, NaN where a landmark is not annotated.
        visible: `(N, K)`, true where the landmark is annotated and lies in the image.
    """
    annotated = torch.isfinite(points).all(dim=-1)
    left_out = ~annotated & annotated.any(dim=-1, keepdim=True)
    return ~visible & ~left_out


def absent_cost(logits: Tensor, absent: Tensor, activation: Activation, sigma: float, *, count: Tensor | None = None) -> Tensor:
    """Mean loss of the maps of absent landmarks.

    The target of a `linear` map is 0. Its loss is its energy divided by the energy of a visible landmark's Gaussian,
    `Σp² / πσ²`, so a false peak of 1 has a loss of 1. The target of a distribution is the uniform distribution. Its loss is the
    cross-entropy minus the minimum `ln hw`, which is 0 for equal logits.

        >>> absent_cost(torch.zeros(1, 1, 4, 4), torch.tensor([[True]]), "linear", 1.0)
        tensor(0.)

    Args:
        logits: `(N, K, h, w)`.
        absent: `(N, K)`, true where the landmark is not in the image.
        activation: Whether the logits are maps (`linear`) or logits of a distribution (the others).
        sigma: Standard deviation of the visible landmarks' Gaussians, in heatmap pixels.
        count: Divisor of the sum over absent maps; None for the number of absent maps.

    Returns:
        A scalar, at least float32.
    """
    flat = at_least_float32(logits).flatten(2)
    if activation != "linear":
        cost = -flat.log_softmax(dim=-1).mean(dim=-1) - math.log(flat.shape[-1])
    else:
        cost = flat.square().sum(dim=-1) / (math.pi * sigma**2)
    return masked_mean(cost, absent, count)

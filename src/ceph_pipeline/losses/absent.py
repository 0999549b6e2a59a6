"""What the maps of landmarks that an image does not show cost."""

import math

import torch
from torch import Tensor

from ceph_pipeline.heatmaps import Activation
from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.losses.masking import masked_mean


def is_absent(points: Tensor, visible: Tensor) -> Tensor:
    """Which landmarks an image is known not to show: `(N, K)`.

    Those that lie outside the picture, and all of an image on which nobody has marked any. A landmark that is missing beside
    marked ones may be there: it was left out, and teaches nothing.

        >>> marked, left_out = [3.0, 4.0], [torch.nan, torch.nan]
        >>> is_absent(torch.tensor([[marked, left_out], [left_out, left_out]]), torch.tensor([[True, False], [False, False]]))
        tensor([[False, False],
                [ True,  True]])

    Args:
        points: `(N, K, 2)`, NaN where a landmark is not annotated.
        visible: `(N, K)`, true where it is annotated and lies in the picture.
    """
    annotated = torch.isfinite(points).all(dim=-1)
    left_out = ~annotated & annotated.any(dim=-1, keepdim=True)
    return ~visible & ~left_out


def absent_cost(logits: Tensor, absent: Tensor, activation: Activation, sigma: float, *, count: Tensor | None = None) -> Tensor:
    """Mean cost of the maps that should say that their landmark is not in the image.

    A map that is learned as it is should be 0: its energy is taken over that of the Gaussian that a visible landmark would
    have, `Σp² / πσ²`, so that a false peak of 1 costs 1. A distribution should be even: its cross-entropy with the uniform one
    is taken above the least possible, `ln hw`, and is 0 for equal logits.

        >>> absent_cost(torch.zeros(1, 1, 4, 4), torch.tensor([[True]]), "linear", 1.0)
        tensor(0.)

    Args:
        logits: `(N, K, h, w)`.
        absent: `(N, K)`, true where the landmark is not in the image.
        activation: What the logits are: maps (`linear`), or those of a distribution (the others).
        sigma: Of the visible landmarks' Gaussians, in heatmap pixels.
        count: What the sum over absent maps is divided by; None for their number.

    Returns:
        A scalar, float32 at least.
    """
    flat = at_least_float32(logits).flatten(2)
    if activation != "linear":
        cost = -flat.log_softmax(dim=-1).mean(dim=-1) - math.log(flat.shape[-1])
    else:
        cost = flat.square().sum(dim=-1) / (math.pi * sigma**2)
    return masked_mean(cost, absent, count)

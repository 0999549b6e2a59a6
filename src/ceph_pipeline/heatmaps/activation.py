"""Convert a network's logits to heatmaps whose peak is 1 for a confident prediction."""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ceph_pipeline.heatmaps.encoding import encode
from ceph_pipeline.heatmaps.precision import at_least_float32

Activation = Literal["linear", "softmax", "integral"]
"""How the logits are interpreted.

`linear`: the logits are heatmaps. `softmax`: the softmax over the pixels was trained to equal the target Gaussian. `integral`:
the mean of the softmax over the pixels was trained to equal the point; its shape is free."""


class SpatialMoments(NamedTuple):
    """Moments of the spatial softmax of each map of logits.

    Attributes:
        mean: `(N, K, 2)` as (x, y) in heatmap pixels.
        sd: `(N, K, 2)` along x and y, in heatmap pixels.
    """

    mean: Tensor
    sd: Tensor


def spatial_moments(logits: Tensor) -> SpatialMoments:
    """Mean and standard deviation of a softmax over each map's pixels; differentiable.

    Args:
        logits: `(N, K, h, w)`, at least float32.

    Source: Sun et al., Integral Human Pose Regression, ECCV 2018.
    """
    height, width = logits.shape[-2:]
    share = logits.flatten(2).softmax(dim=-1).view_as(logits)
    along = []
    for profile, length in ((share.sum(-2), width), (share.sum(-1), height)):
        pixels = torch.arange(length, device=logits.device, dtype=logits.dtype)
        mean = (profile * pixels).sum(-1)  # autocast would compute a matrix product in half precision
        along.append((mean, (profile * (pixels - mean.unsqueeze(-1)).square()).sum(-1).sqrt()))
    (x, sd_x), (y, sd_y) = along
    return SpatialMoments(torch.stack([x, y], dim=-1), torch.stack([sd_x, sd_y], dim=-1))


def to_heatmaps(logits: Tensor, activation: Activation, sigma: float) -> Tensor:
    """Convert logits to heatmaps for `decode`, whichever loss the network was trained with.

    Args:
        logits: `(N, K, h, w)`.
        activation: How the logits are interpreted; see `Activation`.
        sigma: Standard deviation of the training targets, in heatmap pixels.

    Returns:
        `(N, K, h, w)`. A softmax is scaled so that the target Gaussian has a peak of 1. An integral is replaced with a Gaussian
        at its mean, which decoding returns. The peak of this Gaussian is 1 for a distribution not wider than `sigma`, and lower
        for a wider one.
    """
    if activation == "linear":
        return logits
    wide = at_least_float32(logits)
    if activation == "softmax":
        return wide.flatten(2).softmax(-1).view_as(logits) * (2 * math.pi * sigma**2)
    moments = spatial_moments(wide)
    height = (sigma**2 / moments.sd.prod(-1).clamp_min(sigma**2))[..., None, None]
    return encode(moments.mean, (logits.shape[-2], logits.shape[-1]), sigma) * height

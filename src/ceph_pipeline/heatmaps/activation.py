"""From a network's logits to heatmaps that peak at 1 where it is sure."""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ceph_pipeline.heatmaps.encoding import encode
from ceph_pipeline.heatmaps.precision import at_least_float32

Activation = Literal["linear", "softmax", "integral"]
"""`linear`: logits are heatmaps; `softmax`: logits of a distribution over the pixels that was taught to be the Gaussian;
`integral`: of one whose mean was taught to be the point, whatever its shape."""


class SpatialMoments(NamedTuple):
    """Of the distributions that maps of logits stand for.

    Attributes:
        mean: `(N, K, 2)` as (x, y) in heatmap pixels.
        sd: `(N, K, 2)` along x and y, in heatmap pixels.
    """

    mean: Tensor
    sd: Tensor


def spatial_moments(logits: Tensor) -> SpatialMoments:
    """Mean and standard deviation of a softmax over each map's pixels; differentiable.

    Args:
        logits: `(N, K, h, w)`, float32 at least.

    Source: Sun et al., Integral Human Pose Regression, ECCV 2018.
    """
    height, width = logits.shape[-2:]
    share = logits.flatten(2).softmax(dim=-1).view_as(logits)
    along = []
    for profile, length in ((share.sum(-2), width), (share.sum(-1), height)):
        pixels = torch.arange(length, device=logits.device, dtype=logits.dtype)
        mean = (profile * pixels).sum(-1)  # autocast would take a matrix product in half precision
        along.append((mean, (profile * (pixels - mean.unsqueeze(-1)).square()).sum(-1).sqrt()))
    (x, sd_x), (y, sd_y) = along
    return SpatialMoments(torch.stack([x, y], dim=-1), torch.stack([sd_x, sd_y], dim=-1))


def to_heatmaps(logits: Tensor, activation: Activation, sigma: float) -> Tensor:
    """Heatmaps that every method of `decode` reads, whatever the loss taught the logits to be.

    Args:
        logits: `(N, K, h, w)`.
        activation: What they are; see `Activation`.
        sigma: Standard deviation of the training targets, in heatmap pixels.

    Returns:
        `(N, K, h, w)`. A softmax is scaled so that the target Gaussian itself would peak at 1. An integral becomes the
        Gaussian at its mean, so that decoding gives the mean back; it peaks at 1 where the distribution is at most as wide as
        `sigma`, and lower the wider it is.
    """
    if activation == "linear":
        return logits
    wide = at_least_float32(logits)
    if activation == "softmax":
        return wide.flatten(2).softmax(-1).view_as(logits) * (2 * math.pi * sigma**2)
    moments = spatial_moments(wide)
    height = (sigma**2 / moments.sd.prod(-1).clamp_min(sigma**2))[..., None, None]
    return encode(moments.mean, (logits.shape[-2], logits.shape[-1]), sigma) * height

"""Necks: fuse a backbone's feature maps at several strides into one map at the finest stride."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ceph_pipeline.models.backbones import FeatureMap


class BranchNeck(nn.Module):
    """For HRNet: upsamples branches to the finest stride and mixes them with a 1 × 1 convolution, BatchNorm and ReLU.

    A 1 × 1 convolution commutes with upsampling, and a convolution of a concatenation is the sum over its parts. Each branch
    is therefore convolved at its own stride, and the results are upsampled and summed. This yields the same values with less
    computation.
    """

    def __init__(self, branches: Sequence[FeatureMap], width: int) -> None:
        super().__init__()
        self.mixers = nn.ModuleList(nn.Conv2d(branch.channels, width, 1, bias=False) for branch in branches)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, features: list[Tensor], size: torch.Size) -> Tensor:
        """Fused features `(N, width, h, w)`; `size` (h, w) is that of the first branch."""
        mixed = [mix(feature) for mix, feature in zip(self.mixers, features, strict=True)]
        return torch.relu(self.norm(mixed[0] + sum(_resize(coarse, size) for coarse in mixed[1:])))


class PyramidNeck(nn.Module):
    """For backbones with decreasing resolution: the top-down path of a feature pyramid, resized to a given size.

    Each level is the upsampled coarser level plus a 1 × 1 convolution of the backbone's features, smoothed by a 3 × 3
    convolution.
    """

    def __init__(self, branches: Sequence[FeatureMap], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(branch.channels, width, 1) for branch in branches)
        self.smoothers = nn.ModuleList(conv_norm_relu(width, width, 3) for _ in branches)

    def forward(self, features: list[Tensor], size: torch.Size) -> Tensor:
        """Fused features `(N, width, h, w)` of the given size (h, w)."""
        levels = [lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True)]
        fused: Tensor = self.smoothers[-1](levels[-1])
        for finer in range(len(levels) - 2, -1, -1):
            level = levels[finer]
            fused = self.smoothers[finer](level + _resize(fused, level.shape[-2:]))
        return fused if fused.shape[-2:] == size else _resize(fused, size)


class StemFusion(nn.Module):
    """From stride 4 to stride 2: upsampling, addition of the stem's features if present, and a 3 × 3 convolution.

    Attributes:
        out_channels: Half of the input channels.
    """

    def __init__(self, width: int, stem: FeatureMap | None) -> None:
        super().__init__()
        self.out_channels = width // 2
        self.reduce = nn.Conv2d(width, self.out_channels, 1, bias=False)
        self.lateral = nn.Conv2d(stem.channels, self.out_channels, 1, bias=False) if stem else None
        self.norm = nn.BatchNorm2d(self.out_channels)
        self.smooth = conv_norm_relu(self.out_channels, self.out_channels, 3)

    def forward(self, fused: Tensor, stem: Tensor | None) -> Tensor:
        """Features `(N, out_channels, H / 2, W / 2)`."""
        reduced: Tensor = self.reduce(fused)
        fine = _resize(reduced, torch.Size(2 * side for side in reduced.shape[-2:]))
        if self.lateral is not None and stem is not None:
            fine = fine + self.lateral(stem)
        smoothed: Tensor = self.smooth(torch.relu(self.norm(fine)))
        return smoothed


def conv_norm_relu(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the size, BatchNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


def _resize(features: Tensor, size: torch.Size) -> Tensor:
    return functional.interpolate(features, size=list(size), mode="bilinear", align_corners=False)

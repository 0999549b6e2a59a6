"""A backbone and its neck, which produce one fused feature map at stride 4."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.models.backbones import Backbone
from ceph_pipeline.models.necks import BranchNeck, PyramidNeck, StemFusion


class Features(NamedTuple):
    """Features of a batch.

    Attributes:
        fused: `(N, width, H / 4, W / 4)`.
        stem: `(N, channels, H / 2, W / 2)`, or None if the backbone has no features at stride 2.
        coarsest: `(N, channels, h, w)`, the backbone's lowest resolution.
    """

    fused: Tensor
    stem: Tensor | None
    coarsest: Tensor


class FeatureNet(nn.Module):
    """Computes features of images.

    Attributes:
        width: Channels of the fused features.
        coarsest_channels: Channels of the coarsest features.
    """

    def __init__(self, backbone: str, in_channels: int, *, drop_path: float = 0.0, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = Backbone(backbone, in_channels, drop_path=drop_path, pretrained=pretrained)
        branches = self.backbone.branches
        self.width = max(64, 4 * branches[0].channels if self.backbone.is_high_resolution else 128)
        neck = BranchNeck if self.backbone.is_high_resolution else PyramidNeck
        self.neck = neck(branches, self.width)
        self.coarsest_channels = branches[-1].channels

    def forward(self, images: Tensor) -> Features:
        """Features of `(N, C, H, W)` images.

        Raises:
            ValueError: H or W is not a multiple of 4 and of the backbone's coarsest stride.
        """
        height, width = images.shape[-2:]
        multiple = math.lcm(4, self.backbone.branches[-1].stride)
        if height % multiple or width % multiple:
            raise InvalidValueError(
                f"images are {height} × {width} px (H × W); {self.backbone.name} requires multiples of {multiple}."
            )
        stem, branches = self.backbone(images)
        fused = self.neck(branches, torch.Size((height // 4, width // 4)))
        return Features(fused, stem, branches[-1])

    def stem_fusion(self) -> StemFusion:
        """A new module that upsamples these features from stride 4 to stride 2."""
        return StemFusion(self.width, self.backbone.stem)


def require_stride(stride: int, strides: tuple[int, ...]) -> None:
    """Check that a network supports a heatmap stride.

    Raises:
        ValueError: the stride is not one of `strides`.
    """
    if stride not in strides:
        raise InvalidValueError(f"heatmap stride is {stride}, expected one of {strides}: input pixels per heatmap pixel.")

"""A backbone and its neck: one fused feature map at the stride that heatmaps are wanted at."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ceph_pipeline.models.backbones import Backbone
from ceph_pipeline.models.necks import BranchNeck, PyramidNeck, StemFusion

STRIDES = (2, 4)


class Features(NamedTuple):
    """Features of a batch.

    Attributes:
        fused: `(N, width, H / stride, W / stride)`.
        coarsest: `(N, channels, h, w)`, the backbone's lowest resolution.
    """

    fused: Tensor
    coarsest: Tensor


class FeatureNet(nn.Module):
    """Images to fused features.

    Attributes:
        width: Channels of the fused features.
        coarsest_channels: Channels of the coarsest features.
    """

    def __init__(self, backbone: str, in_channels: int, stride: int, *, pretrained: bool = False) -> None:
        super().__init__()
        if stride not in STRIDES:
            raise ValueError(f"heatmap stride is {stride}, expected one of {STRIDES}: input pixels per heatmap pixel.")
        self.stride = stride
        self.backbone = Backbone(backbone, in_channels, pretrained=pretrained)
        branches = self.backbone.branches
        width = max(64, 4 * branches[0].channels if self.backbone.is_high_resolution else 128)
        neck = BranchNeck if self.backbone.is_high_resolution else PyramidNeck
        self.neck = neck(branches, width)
        self.width = width if stride == 4 else width // 2
        self.stem_fusion = StemFusion(width, self.backbone.stem, self.width) if stride == 2 else None
        self.coarsest_channels = branches[-1].channels

    def forward(self, images: Tensor) -> Features:
        """Features of `(N, C, H, W)` images; H and W are multiples of the backbone's coarsest stride.

        Raises:
            ValueError: a side is no such multiple.
        """
        height, width = images.shape[-2:]
        multiple = math.lcm(4, self.backbone.branches[-1].stride)
        if height % multiple or width % multiple:
            raise ValueError(f"images are {height} × {width} px (H × W); {self.backbone.name} needs multiples of {multiple}.")
        stem, branches = self.backbone(images)
        fused: Tensor = self.neck(branches, torch.Size((height // 4, width // 4)))
        if self.stem_fusion is not None:
            fused = self.stem_fusion(fused, stem)
        return Features(fused, branches[-1])

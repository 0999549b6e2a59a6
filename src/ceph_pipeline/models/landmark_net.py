"""The whole-image network: one heatmap per landmark, and heads for the CVM stage and measurements."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.heatmaps import Activation
from ceph_pipeline.models.features import FeatureNet, require_stride
from ceph_pipeline.models.heads import CvmHead, DistanceHead, HeatmapHead
from ceph_pipeline.models.pretrained import OnMismatch, build_net

MeasuredMaps = tuple[Activation, float]
"""Activation of the heatmaps' logits, and σ of the targets in heatmap px."""


class LandmarkOutput(NamedTuple):
    """Outputs of the network for a batch.

    Attributes:
        heatmaps: Logits `(N, K, H / stride, W / stride)`.
        cvm_logits: Cumulative logits `(N, S − 1)` of the CVM stage, or None.
        measurements: `(N, M)`, z-scored, or None.
    """

    heatmaps: Tensor
    cvm_logits: Tensor | None
    measurements: Tensor | None


class LandmarkNet(nn.Module):
    """Backbone, neck and heads; created by `create_landmark_net`.

    Attributes:
        architecture: The arguments of `create_landmark_net` that create a network of the same shape.
    """

    architecture: dict[str, Any]

    def __init__(
        self,
        features: FeatureNet,
        n_landmarks: int,
        *,
        stride: int = 4,
        cvm_stages: int = 0,
        n_measurements: int = 0,
        measured_maps: MeasuredMaps | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        require_stride(stride, (2, 4, 8))
        self.features = features
        self.fusion = features.stem_fusion() if stride == 2 else None
        self.coarsen = (
            nn.AvgPool2d(2) if stride == 8 else nn.Identity()
        )  # a pixel's centre is the centre of the four pixels it covers
        width = features.width if self.fusion is None else self.fusion.out_channels
        self.heatmap_head = HeatmapHead(width, n_landmarks, dropout)
        channels = features.coarsest_channels
        self.stage_head = CvmHead(channels, cvm_stages, dropout) if cvm_stages else None
        self.measurement_head: DistanceHead | None = None
        if n_measurements:
            if measured_maps is None:
                raise InvalidValueError(
                    f"{n_measurements} measurements without `measured_maps`: they are computed from heatmaps."
                )
            self.measurement_head = DistanceHead(n_landmarks, n_measurements, *measured_maps)

    @property
    def backbone(self) -> nn.Module:
        """The timm feature extractor, which can be frozen and has its own learning rate."""
        net: nn.Module = self.features.backbone.net
        return net

    def forward(self, images: Tensor) -> LandmarkOutput:
        """Outputs for `(N, C, H, W)` images."""
        features = self.features(images)
        fused = features.fused if self.fusion is None else self.fusion(features.fused, features.stem)
        pooled, heatmaps = features.coarsest.mean(dim=(-2, -1)), self.heatmap_head(self.coarsen(fused))
        return LandmarkOutput(
            heatmaps=heatmaps,
            cvm_logits=self.stage_head(pooled) if self.stage_head is not None else None,
            measurements=self.measurement_head(heatmaps) if self.measurement_head is not None else None,
        )


def create_landmark_net(
    backbone: str,
    n_landmarks: int,
    *,
    in_channels: int = 1,
    stride: int = 4,
    cvm_stages: int = 0,
    n_measurements: int = 0,
    measured_maps: MeasuredMaps | None = None,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    pretrained: bool | str | Path = False,
    on_mismatch: OnMismatch = "error",
) -> LandmarkNet:
    """Build the whole-image network.

        >>> import torch
        >>> net = create_landmark_net("resnet18", 29)
        >>> net(torch.zeros(1, 1, 64, 96)).heatmaps.shape
        torch.Size([1, 29, 16, 24])

    Args:
        backbone: `hrnet_w18_small`, `hrnet_w18`, `hrnet_w32`, `hrnet_w48`, `resnet18`, `resnet34`, or any timm model that
            supports `features_only`.
        n_landmarks: K, at least 1.
        in_channels: Input channels of the backbone's first convolution; with 3, grey images are repeated three times.
        stride: Input pixels per heatmap pixel, 2, 4 or 8.
        cvm_stages: Number of CVM stages, at least 2; 0 for no CVM head.
        n_measurements: Number of measurements; 0 for no measurement head.
        measured_maps: Activation of the heatmaps' logits, and σ of the targets in heatmap px. Required for measurements, which
            are computed from the decoded landmarks.
        dropout: Share dropped before the last layer of each head, in [0, 1).
        drop_path: Share of residual branches skipped in training, increasing to this value in the last block, in [0, 1).
        pretrained: True loads ImageNet weights from an installed package or the hub; if the hub is not reachable, the weights
            are random, with a warning. A path loads a checkpoint with `load_backbone_weights`.
        on_mismatch: Behaviour if the checkpoint fits another architecture; `fallback` changes the backbone.

    Raises:
        UnknownBackboneError: timm has no such model, or the model provides no feature maps.
        WeightsError: the checkpoint at `pretrained` cannot be read, or does not fit.
        MissingWeightsError: the package with the backbone's weights is not installed, and the hub is not reachable.
        ValueError: a number is out of its range, there are measurements without `measured_maps`, the backbone has no
            drop-path, or no weights of the backbone are published.
    """
    if n_landmarks < 1 or n_measurements < 0 or cvm_stages < 0 or cvm_stages == 1:
        raise InvalidValueError(
            f"a network with {n_landmarks} landmarks, {cvm_stages} CVM stages and {n_measurements} measurements: "
            "expected at least 1 landmark, 0 or at least 2 stages, 0 or more measurements."
        )
    heads: dict[str, Any] = {
        "stride": stride,
        "cvm_stages": cvm_stages,
        "n_measurements": n_measurements,
        "measured_maps": measured_maps,
        "dropout": dropout,
    }

    def build(name: str, from_hub: bool) -> LandmarkNet:
        features = FeatureNet(name, in_channels, drop_path=drop_path, pretrained=from_hub)
        net = LandmarkNet(features, n_landmarks, **heads)
        inputs = {"in_channels": in_channels, "drop_path": drop_path}
        net.architecture = {"backbone": name, "n_landmarks": n_landmarks, **inputs, **heads}
        return net

    return build_net(build, backbone, pretrained, on_mismatch)

"""The crop network, which locates one landmark in a crop."""

from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.models.features import FeatureNet, require_stride
from ceph_pipeline.models.heads import MAP_INIT_STD
from ceph_pipeline.models.necks import conv_norm_relu
from ceph_pipeline.models.pretrained import OnMismatch, build_net

Conditioning = Literal["landmark", "none"]
"""`landmark`: the index of the landmark conditions the network; `none`: the network locates the landmark near the centre."""


class RefinementNet(nn.Module):
    """One network for all landmarks, conditioned on the landmark's index; created by `create_refinement_net`.

    The landmark's embedding scales and shifts the fused features (FiLM), and its index selects a row of the last 1 × 1
    convolution, so that one map is computed per crop. Without conditioning there is no FiLM, and all landmarks share one row.

    Args:
        features: Backbone and neck.
        n_landmarks: K.
        conditioning: Whether the landmark conditions the network.
        stride: Crop pixels per heatmap pixel, 2 or 4.
        dropout: Share of feature channels dropped while training, in [0, 1).

    Attributes:
        architecture: The arguments of `create_refinement_net` that create a network of the same shape.
    """

    architecture: dict[str, Any]
    heads: Tensor

    def __init__(
        self, features: FeatureNet, n_landmarks: int, *, conditioning: Conditioning, stride: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        require_stride(stride, (2, 4))
        width, conditioned = features.width, conditioning == "landmark"
        n_rows = n_landmarks if conditioned else 1
        self.features = features
        self.register_buffer("heads", torch.arange(n_landmarks) % n_rows, persistent=False)  # the row of each landmark
        self.film = nn.Embedding(n_landmarks, 2 * width) if conditioned else None
        self.fusion = features.stem_fusion() if stride == 2 else None
        self.mix = conv_norm_relu(width, width, 1) if stride == 4 else nn.Identity()  # the fusion contains a mixing convolution
        self.drop = nn.Dropout2d(dropout)
        self.rows = nn.Embedding(n_rows, width if self.fusion is None else self.fusion.out_channels)
        self.biases = nn.Embedding(n_rows, 1)
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
        nn.init.normal_(self.rows.weight, std=MAP_INIT_STD)
        nn.init.zeros_(self.biases.weight)

    @property
    def backbone(self) -> nn.Module:
        """The timm feature extractor, which can be frozen and has its own learning rate."""
        net: nn.Module = self.features.backbone.net
        return net

    def forward(self, crops: Tensor, landmark: Tensor) -> Tensor:
        """Logits `(M, 1, s / stride, s / stride)`.

        Args:
            crops: `(M, C, s, s)`.
            landmark: `(M,)` integers in 0…K − 1, the landmark of each crop.

        Raises:
            ValueError: the numbers of landmarks and crops differ.
        """
        if landmark.shape != crops.shape[:1]:
            raise InvalidValueError(
                f"{len(crops)} crops with landmarks of shape {tuple(landmark.shape)}, expected one index per crop."
            )
        features = self.features(crops)
        mixed = self.mix(self._modulate(features.fused, landmark))
        if self.fusion is not None:
            mixed = self.fusion(mixed, features.stem)
        with torch.autocast(crops.device.type, enabled=False):  # sub-pixel decoding requires more than bfloat16's 8 bits
            head = self.heads.index_select(0, landmark)
            maps = torch.einsum("mchw,mc->mhw", self.drop(mixed).float(), self.rows(head)).unsqueeze(1)
            bias: Tensor = self.biases(head)
            return maps + bias[..., None, None]

    def _modulate(self, fused: Tensor, landmark: Tensor) -> Tensor:
        """The features, scaled and shifted by the landmark's embedding; unchanged without conditioning."""
        if self.film is None:
            return fused
        scale, shift = self.film(landmark)[..., None, None].chunk(2, dim=1)
        modulated: Tensor = fused * (1 + scale) + shift
        return modulated


def create_refinement_net(
    backbone: str,
    n_landmarks: int,
    *,
    conditioning: Conditioning = "landmark",
    in_channels: int = 1,
    stride: int = 2,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    pretrained: bool | str | Path = False,
    on_mismatch: OnMismatch = "error",
) -> RefinementNet:
    """Build the crop network.

    Args:
        backbone: As in `create_landmark_net`.
        n_landmarks: K, at least 1.
        conditioning: Whether the landmark conditions the network.
        in_channels: Input channels of the backbone's first convolution; with 3, grey crops are repeated three times.
        stride: Crop pixels per heatmap pixel, 2 or 4.
        dropout: Share of feature channels dropped before the last layer, in [0, 1).
        drop_path: As in `create_landmark_net`.
        pretrained: As in `create_landmark_net`.
        on_mismatch: As in `create_landmark_net`.

    Raises:
        UnknownBackboneError: timm has no such model, or the model provides no feature maps.
        WeightsError: the checkpoint at `pretrained` cannot be read, or does not fit.
        ValueError: a number is out of its range, the conditioning is unknown, the backbone has no drop-path, or no weights of
            the backbone are published.
    """
    if n_landmarks < 1:
        raise InvalidValueError(f"a network with {n_landmarks} landmarks, expected at least 1.")
    if conditioning not in get_args(Conditioning):
        raise InvalidValueError(f"conditioning is {conditioning!r}, expected one of {', '.join(get_args(Conditioning))}.")
    head = {"stride": stride, "dropout": dropout, "conditioning": conditioning}

    def build(name: str, from_hub: bool) -> RefinementNet:
        features = FeatureNet(name, in_channels, drop_path=drop_path, pretrained=from_hub)
        net = RefinementNet(features, n_landmarks, conditioning=conditioning, stride=stride, dropout=dropout)
        inputs = {"in_channels": in_channels, "drop_path": drop_path}
        net.architecture = {"backbone": name, "n_landmarks": n_landmarks, **head, **inputs}
        return net

    return build_net(build, backbone, pretrained, on_mismatch)

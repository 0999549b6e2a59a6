"""The crop network: where in a crop is the one landmark it was cut for?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.models.conditioning import Conditioning, head_numbers
from ceph_pipeline.models.features import FeatureNet, require_stride
from ceph_pipeline.models.heads import MAP_INIT_STD
from ceph_pipeline.models.necks import conv_norm_relu
from ceph_pipeline.models.pretrained import OnMismatch, build_net


class RefinementNet(nn.Module):
    """One network for all landmarks, told which one to look for; made by `create_refinement_net`.

    The landmark scales and shifts the fused features (FiLM) and chooses the row of the last 1 × 1 convolution, so that
    only one map is computed for a crop. Told less, it has no FiLM, and landmarks share rows.

    Args:
        features: Backbone and neck.
        heads: The row that answers for each landmark, counted from 0.
        film: Whether the landmark scales and shifts the features.
        stride: Crop pixels per heatmap pixel, 2 or 4.
        dropout: Share of feature channels dropped while training, in [0, 1).

    Attributes:
        architecture: The arguments of `create_refinement_net` that make a network of the same shape.
    """

    architecture: dict[str, Any]
    heads: Tensor

    def __init__(self, features: FeatureNet, heads: Sequence[int], *, film: bool, stride: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        require_stride(stride, (2, 4))
        width = features.width
        self.features = features
        self.register_buffer("heads", torch.tensor(heads), persistent=False)  # the architecture has it
        self.film = nn.Embedding(len(heads), 2 * width) if film else None
        self.fusion = features.stem_fusion() if stride == 2 else None
        self.mix = conv_norm_relu(width, width, 1) if stride == 4 else nn.Identity()  # the fusion mixes by itself
        self.drop = nn.Dropout2d(dropout)
        self.rows = nn.Embedding(max(heads) + 1, width if self.fusion is None else self.fusion.out_channels)
        self.biases = nn.Embedding(max(heads) + 1, 1)
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
        nn.init.normal_(self.rows.weight, std=MAP_INIT_STD)
        nn.init.zeros_(self.biases.weight)

    @property
    def backbone(self) -> nn.Module:
        """The timm feature extractor, for freezing and for rates of its own."""
        net: nn.Module = self.features.backbone.net
        return net

    def forward(self, crops: Tensor, landmark: Tensor) -> Tensor:
        """Logits `(M, 1, s / stride, s / stride)`.

        Args:
            crops: `(M, C, s, s)`.
            landmark: `(M,)` integers in 0…K − 1, the landmark each crop was cut for.

        Raises:
            ValueError: not one landmark for each crop.
        """
        if landmark.shape != crops.shape[:1]:
            raise InvalidValueError(
                f"{len(crops)} crops with landmarks of shape {tuple(landmark.shape)}, expected one index a crop."
            )
        features = self.features(crops)
        mixed = self.mix(self._modulate(features.fused, landmark))
        if self.fusion is not None:
            mixed = self.fusion(mixed, features.stem)
        with torch.autocast(crops.device.type, enabled=False):  # sub-pixel decoding needs more than bfloat16's 8 bits
            head = self.heads.index_select(0, landmark)
            maps = torch.einsum("mchw,mc->mhw", self.drop(mixed).float(), self.rows(head)).unsqueeze(1)
            bias: Tensor = self.biases(head)
            return maps + bias[..., None, None]

    def _modulate(self, fused: Tensor, landmark: Tensor) -> Tensor:
        """The features that the landmark has scaled and shifted, where it may."""
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
    groups: Sequence[int] | None = None,
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
        conditioning: What the network is told about the landmark it looks for.
        groups: Of conditioning `groups`: the group of each landmark, counted from 0; `anatomical_groups` makes them.
        in_channels: Of the backbone's first convolution; 3 sees a grey crop three times over.
        stride: Crop pixels per heatmap pixel, 2 or 4.
        dropout: Share of feature channels dropped before the last layer, in [0, 1).
        drop_path: As in `create_landmark_net`.
        pretrained: As in `create_landmark_net`.
        on_mismatch: As in `create_landmark_net`.

    Raises:
        UnknownBackboneError: timm has no such model, or it gives no feature maps.
        WeightsError: the checkpoint at `pretrained` cannot be read, or does not fit.
        ValueError: a number is out of its range, the groups do not fit, the backbone has no drop-path, or nobody
            publishes weights of it.
    """
    if n_landmarks < 1:
        raise InvalidValueError(f"a network with {n_landmarks} landmarks, expected at least 1.")
    heads = head_numbers(conditioning, n_landmarks, groups)

    def build(name: str, from_hub: bool) -> RefinementNet:
        features = FeatureNet(name, in_channels, drop_path=drop_path, pretrained=from_hub)
        net = RefinementNet(features, heads, film=conditioning == "landmark", stride=stride, dropout=dropout)
        told = {"conditioning": conditioning, "groups": None if groups is None else list(groups)}
        inputs = {"in_channels": in_channels, "drop_path": drop_path}
        net.architecture = {"backbone": name, "n_landmarks": n_landmarks, "stride": stride, "dropout": dropout} | told | inputs
        return net

    return build_net(build, backbone, pretrained, on_mismatch)

"""Backbones from timm, as feature extractors with known strides."""

import difflib
import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

import timm
from torch import Tensor, nn

logger = logging.getLogger(__name__)


class UnknownBackboneError(ValueError):
    """No timm model has this name, or it gives no feature maps."""


@dataclass(frozen=True)
class FeatureMap:
    """One output of a backbone.

    Attributes:
        channels: Its channels.
        stride: Input pixels per feature pixel.
    """

    channels: int
    stride: int


class Backbone(nn.Module):
    """A timm feature extractor; its outputs run from the finest to the coarsest.

    Attributes:
        net: The timm module; checkpoints are matched against its keys.
        stem: The feature map at stride 2, if the network has one.
        branches: The feature maps at strides 4 and more.
        is_high_resolution: Its branches were computed in parallel and have exchanged features already, as in HRNet.
    """

    def __init__(self, name: str, in_channels: int, *, pretrained: bool = False) -> None:
        super().__init__()
        self.name = name
        self.is_high_resolution = name.startswith("hrnet_")
        self.net = _create(name, in_channels, pretrained=pretrained)
        maps = [FeatureMap(info["num_chs"], info["reduction"]) for info in self.net.feature_info.get_dicts()]
        self.stem = next((feature for feature in maps if feature.stride == 2), None)
        self.branches = tuple(feature for feature in maps if feature.stride >= 4)
        self._is_branch = [feature.stride >= 4 for feature in maps]

    def forward(self, images: Tensor) -> tuple[Tensor | None, list[Tensor]]:
        """The stem's features (None without one) and the branches' features of `(N, C, H, W)` images."""
        outputs = self.net(images)
        branches = [output for output, is_branch in zip(outputs, self._is_branch, strict=True) if is_branch]
        return (outputs[0] if self.stem else None), branches


def _create(name: str, in_channels: int, *, pretrained: bool) -> Any:
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else " `timm.list_models()` lists them."
        raise UnknownBackboneError(f"unknown backbone {name!r}, expected the name of a timm model.{hint}")
    settings: dict[str, Any] = {"features_only": True, "in_chans": in_channels}
    if name.startswith("hrnet_"):
        settings["feature_location"] = ""  # the high-resolution branches themselves, without the classifier's widening
    try:
        if pretrained:
            try:
                return timm.create_model(name, pretrained=True, **settings)
            except OSError:
                _say_once(f"pretrained weights of {name} cannot be fetched: the backbone starts from random weights.")
        return timm.create_model(name, pretrained=False, **settings)
    except (AttributeError, RuntimeError) as error:
        raise UnknownBackboneError(
            f"backbone {name!r} gives no feature maps: {error}. Take one that supports `features_only`."
        ) from error


@cache
def _say_once(message: str) -> None:
    logger.warning(message)

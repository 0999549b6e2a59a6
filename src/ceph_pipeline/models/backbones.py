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
        name: timm's name of the model.
        net: The timm module; checkpoints are matched against its keys.
        stem: The feature map at stride 2, if the network has one.
        branches: The feature maps at strides 4 and more.
        is_high_resolution: Its branches were computed in parallel and have exchanged features already, as in HRNet.
    """

    def __init__(self, name: str, in_channels: int, *, pretrained: bool = False) -> None:
        super().__init__()
        self.name = name
        self.is_high_resolution = name.startswith("hrnet_")
        self.net = _pretrained(name, in_channels) if pretrained else _untrained(name, in_channels)
        maps = [FeatureMap(info["num_chs"], info["reduction"]) for info in self.net.feature_info.get_dicts()]
        self._stem_index = next((index for index, feature in enumerate(maps) if feature.stride == 2), None)
        self._branch_indices = [index for index, feature in enumerate(maps) if feature.stride >= 4]
        self._channels_last = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")
        self.stem = None if self._stem_index is None else maps[self._stem_index]
        self.branches = tuple(maps[index] for index in self._branch_indices)

    def forward(self, images: Tensor) -> tuple[Tensor | None, list[Tensor]]:
        """The stem's features (None without one) and the branches' features of `(N, C, H, W)` images."""
        outputs = self.net(images)
        if self._channels_last:
            outputs = [output.permute(0, 3, 1, 2) for output in outputs]
        stem = None if self._stem_index is None else outputs[self._stem_index]
        return stem, [outputs[index] for index in self._branch_indices]


def _settings(name: str, in_channels: int) -> dict[str, Any]:
    """What timm is asked for; HRNet's own branches, without the widening that its classifier adds."""
    location = {"feature_location": ""} if name.startswith("hrnet_") else {}
    return {"features_only": True, "in_chans": in_channels, **location}


def _untrained(name: str, in_channels: int) -> Any:
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else " `timm.list_models()` lists them."
        raise UnknownBackboneError(f"unknown backbone {name!r}, expected the name of a timm model.{hint}")
    try:
        return timm.create_model(name, pretrained=False, **_settings(name, in_channels))
    except (AttributeError, RuntimeError) as error:
        raise UnknownBackboneError(
            f"backbone {name!r} gives no feature maps ({error}). Take one that supports timm's `features_only`."
        ) from error


def _pretrained(name: str, in_channels: int) -> Any:
    try:
        return timm.create_model(name, pretrained=True, **_settings(name, in_channels))
    except (OSError, RuntimeError) as error:
        net = _untrained(name, in_channels)
        _say_once(f"no pretrained weights of {name} ({type(error).__name__}): its backbone starts from random weights.")
        return net


@cache
def _say_once(message: str) -> None:
    logger.warning(message)

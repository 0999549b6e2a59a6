"""Backbones from timm, as feature extractors with known strides."""

from dataclasses import dataclass
from typing import Any

import timm
from timm.layers.drop import DropPath
from timm.layers.patch_embed import PatchEmbed
from torch import Tensor, nn

from ceph_pipeline.errors import CephError, InvalidValueError, did_you_mean
from ceph_pipeline.models.depthwise import keep_depthwise_in_float32
from ceph_pipeline.models.hub import log_once, published_weights


class UnknownBackboneError(CephError, ValueError):
    """No timm model has this name, or the model provides no feature maps."""


@dataclass(frozen=True)
class FeatureMap:
    """One output of a backbone.

    Attributes:
        channels: Number of channels.
        stride: Input pixels per feature pixel.
    """

    channels: int
    stride: int


class Backbone(nn.Module):
    """A timm feature extractor; its outputs are ordered from the finest to the coarsest.

    Attributes:
        name: timm's name of the model.
        in_channels: Input channels of its first convolution.
        net: The timm module; checkpoints are matched against its keys.
        stem: The feature map at stride 2, if the network has one.
        branches: The feature maps at strides 4 and more.
        is_high_resolution: The branches are computed in parallel and exchange features, as in HRNet.
    """

    def __init__(self, name: str, in_channels: int, *, drop_path: float = 0.0, pretrained: bool = False) -> None:
        super().__init__()
        self.name = name
        self.in_channels = in_channels
        self.is_high_resolution = name.startswith("hrnet_")
        settings = _settings(name, in_channels, drop_path)
        self.net = _pretrained(name, settings) if pretrained else _untrained(name, settings)
        keep_depthwise_in_float32(self.net)
        self._only_size = _only_size(self.net)
        maps = [FeatureMap(info["num_chs"], info["reduction"]) for info in self.net.feature_info.get_dicts()]
        self._stem_index = next((index for index, feature in enumerate(maps) if feature.stride == 2), None)
        self._branch_indices = [index for index, feature in enumerate(maps) if feature.stride >= 4]
        self._channels_last = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")
        self.stem = None if self._stem_index is None else maps[self._stem_index]
        self.branches = tuple(maps[index] for index in self._branch_indices)

    def forward(self, images: Tensor) -> tuple[Tensor | None, list[Tensor]]:
        """The stem's features (None without one) and the branches' features of `(N, C, H, W)` images.

        For a network with three input channels, grey images `(N, 1, H, W)` are repeated three times.

        Raises:
            ValueError: the images have another number of channels, or not the fixed input size of the backbone.
        """
        given = images.shape[1]
        if given not in (1, self.in_channels):
            raise InvalidValueError(f"images have {given} channels; {self.name} accepts {self.in_channels}, or grey images.")
        if self._only_size not in (None, tuple(images.shape[2:])):
            size, only = (" × ".join(map(str, each)) for each in (images.shape[2:], self._only_size))
            raise InvalidValueError(
                f"images are {size} px (H × W); {self.name} accepts {only} px only. "
                "Set the input to that size, or use a backbone without a fixed size, such as hrnet_w18 or convnextv2_nano."
            )
        outputs = self.net(images.expand(-1, self.in_channels, -1, -1))
        if self._channels_last:
            outputs = [output.permute(0, 3, 1, 2) for output in outputs]
        stem = None if self._stem_index is None else outputs[self._stem_index]
        return stem, [outputs[index] for index in self._branch_indices]


def _only_size(net: nn.Module) -> tuple[int, int] | None:
    """The fixed input size (H, W) of a transformer; None if the network accepts other sizes."""
    sizes = (each.img_size for each in net.modules() if isinstance(each, PatchEmbed) and each.strict_img_size)
    return next((size for size in sizes if size is not None), None)


def _settings(name: str, in_channels: int, drop_path: float) -> dict[str, Any]:
    """Keyword arguments for timm; for HRNet, the branches without the wider features that its classifier adds."""
    location = {"feature_location": ""} if name.startswith("hrnet_") else {}
    stochastic_depth = {"drop_path_rate": drop_path} if drop_path else {}
    return {"features_only": True, "in_chans": in_channels, **location, **stochastic_depth}


def _untrained(name: str, settings: dict[str, Any]) -> Any:
    if not timm.is_model(name):
        hint = did_you_mean(name, timm.list_models(), n=3, cutoff=0.5) or " `timm.list_models()` lists them."
        raise UnknownBackboneError(f"unknown backbone {name!r}, expected the name of a timm model.{hint}")
    try:
        net = timm.create_model(name, pretrained=False, **settings)
    except (AttributeError, RuntimeError) as error:
        raise UnknownBackboneError(
            f"backbone {name!r} provides no feature maps ({error}). Use one that supports timm's `features_only`."
        ) from error
    except TypeError as error:
        raise _without_drop_path(name) from error
    if "drop_path_rate" in settings and not any(isinstance(module, DropPath) for module in net.modules()):
        raise _without_drop_path(name)
    return net


def _without_drop_path(name: str) -> InvalidValueError:
    return InvalidValueError(
        f"backbone {name!r} has no drop-path: set `drop_path` to 0 and use `dropout`, or use a backbone with stochastic depth, "
        "such as resnet34 or convnextv2_nano."
    )


def _pretrained(name: str, settings: dict[str, Any]) -> Any:
    """The pretrained model; an untrained one, with a warning, if no weights are available."""
    untrained = _untrained(name, settings)
    weights = published_weights(name)
    if weights is None:
        return untrained
    try:
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=weights, **settings)
    except OSError as error:
        log_once(f"no pretrained weights of {name} ({type(error).__name__}): its backbone starts from random weights.")
        return untrained

"""Initial weights of a network, and the behaviour if a checkpoint does not fit."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar, get_args

from torch import nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.models.weights import WeightsMismatchError, load_backbone_weights

logger = logging.getLogger(__name__)

OnMismatch = Literal["error", "random", "fallback"]
"""`error`: raise an error; `random`: use the requested backbone with random weights; `fallback`: use a ResNet-18 with its
ImageNet weights. `random` and `fallback` log a warning."""

FALLBACK_BACKBONE = "resnet18"

Net = TypeVar("Net", bound=nn.Module)


def build_net(
    build: Callable[[str, bool], Net], backbone: str, pretrained: bool | str | Path, on_mismatch: OnMismatch = "error"
) -> Net:
    """Build a network and load the weights of its backbone.

    Args:
        build: Builds the network of a backbone's name; its second argument requests timm's pretrained weights.
        backbone: The configured name.
        pretrained: True for ImageNet weights, False for random weights, or the path of a checkpoint.
        on_mismatch: Behaviour if the checkpoint fits another architecture.

    Raises:
        WeightsError: the checkpoint cannot be read, for any `on_mismatch`.
        WeightsMismatchError: the checkpoint fits another architecture, and `on_mismatch` is `error`.
        ValueError: `on_mismatch` is unknown.
    """
    if on_mismatch not in get_args(OnMismatch):
        raise InvalidValueError(f"on_mismatch is {on_mismatch!r}, expected one of {', '.join(get_args(OnMismatch))}.")
    if isinstance(pretrained, bool):
        return build(backbone, pretrained)
    net = build(backbone, False)
    try:
        load_backbone_weights(net, pretrained)
    except WeightsMismatchError as error:
        if on_mismatch == "error":
            raise
        if on_mismatch == "random":
            logger.warning("%s\non_mismatch: random: %s starts from random weights.", error, backbone)
            return net
        logger.warning("%s\non_mismatch: fallback: %s replaces %s.", error, FALLBACK_BACKBONE, backbone)
        return build(FALLBACK_BACKBONE, True)
    return net

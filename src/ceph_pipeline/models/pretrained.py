"""The weights that a network starts from, and what happens where a checkpoint does not fit."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar, get_args

from torch import nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.models.weights import WeightsMismatchError, load_backbone_weights

logger = logging.getLogger(__name__)

OnMismatch = Literal["error", "random", "fallback"]
"""`error`: refuse; `random`: go on with the backbone asked for, from random weights; `fallback`: go on with a ResNet-18 and
its ImageNet weights. The last two say so."""

FALLBACK_BACKBONE = "resnet18"

Net = TypeVar("Net", bound=nn.Module)


def build_net(
    build: Callable[[str, bool], Net], backbone: str, pretrained: bool | str | Path, on_mismatch: OnMismatch = "error"
) -> Net:
    """Build a network and fill its backbone.

    Args:
        build: Makes the network of a backbone's name; its second argument asks for timm's pretrained weights.
        backbone: The name that the configuration asks for.
        pretrained: True for ImageNet weights, False for random ones, or the path of a checkpoint.
        on_mismatch: What to do when the checkpoint fits another architecture.

    Raises:
        WeightsError: the checkpoint cannot be read, whatever `on_mismatch` says.
        WeightsMismatchError: it fits another architecture, and `on_mismatch` is `error`.
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
        logger.warning("%s\non_mismatch: fallback: %s takes the place of %s.", error, FALLBACK_BACKBONE, backbone)
        return build(FALLBACK_BACKBONE, True)
    return net

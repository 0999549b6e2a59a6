"""A network that starts from a checkpoint of this project takes all of it that fits, heads too."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ceph_pipeline.detector.checkpoint import FORMAT, StageName
from ceph_pipeline.models import LandmarkNet, RefinementNet
from ceph_pipeline.models.weights import is_counter

logger = logging.getLogger(__name__)

OF_LANDMARKS = ("heatmap_head.", "measurement_head.", "film.", "rows.", "biases.")
"""Modules whose tensors belong to certain landmarks in a certain order: without these, equal shapes mean nothing."""

_OWN_KEYS = {"format", "architecture", "landmarks", "state_dict"}


def take_own_weights(
    net: LandmarkNet | RefinementNet, stage: StageName, landmarks: Sequence[str], pretrained: bool | str | Path
) -> None:
    """Fill a network, whose backbone `pretrained` has filled already, with the rest of a checkpoint of this project.

    Taken is every tensor that fits by name and shape, of heads only where the landmarks are the same in the same order. What is
    taken is logged. Files of other projects and of other backbones change nothing.

    Args:
        net: The new network.
        stage: Which it is, for the log.
        landmarks: Full names, in the network's channel order.
        pretrained: The setting; no path, no file.
    """
    content = {} if isinstance(pretrained, bool) else _own_content(Path(pretrained))
    if not content or content["architecture"].get("backbone") != net.architecture["backbone"]:
        return
    own, given = net.state_dict(), content["state_dict"]
    same = list(landmarks) == content["landmarks"]
    wanted = [name for name in own if not is_counter(name)]
    taken = [name for name in wanted if _fits(name, own, given, same_landmarks=same)]
    counters = [name for name in own if is_counter(name) and name in given]
    net.load_state_dict({name: given[name] for name in [*taken, *counters]}, strict=False)
    filled = {id(tensor) for tensor in net.backbone.state_dict(keep_vars=True).values()}
    left = [
        name
        for name, tensor in net.state_dict(keep_vars=True).items()
        if name in wanted and name not in taken and id(tensor) not in filled
    ]
    _report(stage, pretrained, len(wanted), left, same_landmarks=same)


def _own_content(path: Path) -> dict[str, Any]:
    """What is in a checkpoint of this project; empty for another file, which has been read before."""
    if path.suffix == ".safetensors":
        return {}
    content = torch.load(path, map_location="cpu", weights_only=True)
    is_own = isinstance(content, dict) and content.keys() >= _OWN_KEYS and content["format"] == FORMAT
    return content if is_own else {}


def _fits(name: str, own: dict[str, Tensor], given: dict[str, Tensor], *, same_landmarks: bool) -> bool:
    """Whether a tensor means the same in both networks, and has one shape."""
    is_taken = same_landmarks or not name.startswith(OF_LANDMARKS)
    return is_taken and name in given and given[name].shape == own[name].shape


def _report(stage: StageName, path: bool | str | Path, n_wanted: int, left: Sequence[str], *, same_landmarks: bool) -> None:
    """Say what a network has of a checkpoint and what it has not."""
    taken = f"{stage}: {n_wanted - len(left)} of {n_wanted} tensors of {path} taken"
    if not left:
        logger.info("%s, heads included", taken)
        return
    why = "they have another name or shape there" if same_landmarks else "its landmarks are others, or in another order"
    logger.info("%s; %s start from random weights: %s", taken, ", ".join(left), why)

"""A network that starts from a checkpoint of this project takes all of it that fits, heads too."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from ceph_pipeline.detector.checkpoint import FORMAT, StageName, TrainedNet, load_checkpoint
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

    Taken is every tensor that fits by name and shape; of heads only where stage, landmarks and their order are the same. What is
    taken is logged. Files of other projects and of other backbones change nothing.

    Args:
        net: The new network.
        stage: Which it is.
        landmarks: Full names, in the network's channel order.
        pretrained: The setting; no path, no file.

    Raises:
        CheckpointError: the file has the fields of this project's checkpoints, and is none that can be used.
    """
    source = None if isinstance(pretrained, bool) else _own_checkpoint(Path(pretrained))
    if source is None or source.architecture["backbone"] != net.architecture["backbone"]:
        return
    own, given = net.state_dict(), source.net.state_dict()
    same = source.stage == stage and source.landmarks == tuple(landmarks)
    taken = {
        name: given[name]
        for name, tensor in own.items()
        if name in given and given[name].shape == tensor.shape and (same or not name.startswith(OF_LANDMARKS))
    }
    net.load_state_dict(taken, strict=False)
    in_backbone = {id(tensor) for tensor in net.backbone.state_dict(keep_vars=True).values()}
    weights = {name: tensor for name, tensor in net.state_dict(keep_vars=True).items() if not is_counter(name)}
    random = [name for name, tensor in weights.items() if name not in taken and id(tensor) not in in_backbone]
    counts = f"{stage}: {len(weights) - len(random)} of {len(weights)} tensors of {pretrained} taken"
    if random:
        logger.info("%s; %s start from random weights: %s", counts, ", ".join(random), _reason(source, stage, same=same))
    else:
        logger.info("%s, heads included", counts)


def _own_checkpoint(path: Path) -> TrainedNet | None:
    """What a checkpoint of this project holds; None of another file, which the backbone has been filled from before."""
    if path.suffix == ".safetensors":
        return None
    content = torch.load(path, map_location="cpu", weights_only=True)
    is_own = isinstance(content, dict) and content.keys() >= _OWN_KEYS and content["format"] == FORMAT
    return load_checkpoint(path) if is_own else None


def _reason(source: TrainedNet, stage: StageName, *, same: bool) -> str:
    """Why some of a network's tensors are not taken."""
    if same:
        return "they have another name or shape there"
    return "its landmarks are others, or in another order" if source.stage == stage else f"it is of {source.stage}"

"""Initialises a network from a checkpoint of this project: all matching tensors, including the heads."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from ceph_pipeline.detector.checkpoint import FORMAT, StageName, TrainedNet, load_checkpoint
from ceph_pipeline.models import LandmarkNet, RefinementNet
from ceph_pipeline.models.weights import is_counter

logger = logging.getLogger(__name__)

OF_LANDMARKS = ("heatmap_head.", "measurement_head.", "film.", "rows.", "biases.")
"""Modules whose tensors depend on the landmarks and their order; equal shapes alone do not make them compatible."""

_OWN_KEYS = {"format", "architecture", "landmarks", "state_dict"}


def take_own_weights(
    net: LandmarkNet | RefinementNet, stage: StageName, landmarks: Sequence[str], pretrained: bool | str | Path
) -> None:
    """Load all matching tensors of a checkpoint of this project into a network whose backbone is already initialised.

    Every tensor of equal name and shape is loaded. Tensors of landmark heads are loaded only if the stage, the landmarks and
    their order are equal; the head of CVM stages depends on neither. The loaded tensors are logged. Files of other projects or
    of other backbones are ignored.

    Args:
        net: The new network.
        stage: The stage of the network.
        landmarks: Full names, in the network's channel order.
        pretrained: The parameter; only a path names a file.

    Raises:
        CheckpointError: the file has the fields of this project's checkpoints, but cannot be used.
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
    counts = f"{stage}: {len(weights) - len(random)} of {len(weights)} tensors loaded from {pretrained}"
    if random:
        logger.info("%s; %s start from random weights: %s", counts, ", ".join(random), _reason(source, stage, same=same))
    else:
        logger.info("%s, heads included", counts)


def _own_checkpoint(path: Path) -> TrainedNet | None:
    """The network of a checkpoint of this project; None for any other file, which initialises the backbone only."""
    if path.suffix == ".safetensors":
        return None
    content = torch.load(path, map_location="cpu", weights_only=True)
    is_own = isinstance(content, dict) and content.keys() >= _OWN_KEYS and content["format"] == FORMAT
    return load_checkpoint(path) if is_own else None


def _reason(source: TrainedNet, stage: StageName, *, same: bool) -> str:
    """Why some of a network's tensors are not loaded."""
    if same:
        return "their names or shapes differ in the file"
    return "the file has other landmarks, or another order" if source.stage == stage else f"the file is of {source.stage}"

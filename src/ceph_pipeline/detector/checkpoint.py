"""Checkpoints, which load without executing code and contain all facts that prediction requires."""

from __future__ import annotations

import logging
import math
import pickle
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor

from ceph_pipeline.artifacts import atomic_path, refusal
from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.allocation import keep_freed_memory
from ceph_pipeline.detector.forward import resolve_device
from ceph_pipeline.detector.framing import RESIZES
from ceph_pipeline.detector.learned_views import learned_views, learns_both_ways
from ceph_pipeline.detector.onnx import OnnxNet, on_onnxruntime
from ceph_pipeline.detector.params import DetectorParams
from ceph_pipeline.errors import CephError
from ceph_pipeline.heatmaps import Activation, to_heatmaps
from ceph_pipeline.models import LandmarkNet, RefinementNet, create_landmark_net, create_refinement_net
from ceph_pipeline.views import views_of

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

FORMAT = 1
StageName = Literal["stage1", "stage2"]


class CheckpointError(CephError, RuntimeError):
    """A checkpoint cannot be loaded or written."""


@dataclass
class TrainedNet:
    """A network and the facts that its use requires.

    Attributes:
        net: The network, in evaluation mode.
        stage: `stage1` predicts whole images, `stage2` crops.
        landmarks: Full names, in channel order.
        input_size: (width, height) px.
        stride: Input px per heatmap px.
        sigma_px: Standard deviation of the training targets, heatmap px.
        activation: The function from logits to heatmaps.
        architecture: Keyword arguments that built the network.
        facts: Further plain values: `flips`, whether the network was trained on faces of both directions (default true),
            `resize`, `input_gamma` (default 1), z-score statistics, crop parameters.
        onnx: The same network for onnxruntime, which is used instead of `net`.
    """

    net: LandmarkNet | RefinementNet
    stage: StageName
    landmarks: tuple[str, ...]
    input_size: tuple[int, int]
    stride: int
    sigma_px: float
    activation: Activation
    architecture: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    onnx: OnnxNet | None = None

    def heatmaps(self, logits: Tensor) -> Tensor:
        """Heatmaps `(N, K, h, w)`; the peak is near 1 if the network is certain."""
        return to_heatmaps(logits, self.activation, self.sigma_px)

    def to_input(self, points: Tensor) -> Tensor:
        """Map heatmap px to input px."""
        return (points + 0.5) * self.stride - 0.5


def create_net(stage: StageName, architecture: dict[str, Any], seed: int = 0) -> LandmarkNet | RefinementNet:
    """Build the network of a stage from its keyword arguments; its initial weights depend on the seed only."""
    keep_freed_memory()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return create_landmark_net(**architecture) if stage == "stage1" else create_refinement_net(**architecture)


def save_checkpoint(trained: TrainedNet, path: Path) -> None:
    """Write a checkpoint of plain values and tensors atomically."""
    content = {
        "format": FORMAT,
        "stage": trained.stage,
        "landmarks": list(trained.landmarks),
        "input_size": list(trained.input_size),
        "stride": trained.stride,
        "sigma_px": trained.sigma_px,
        "activation": trained.activation,
        "architecture": trained.architecture,
        "facts": trained.facts,
        "state_dict": {name: value.detach().cpu() for name, value in trained.net.state_dict().items()},
    }
    write_tensors(content, path)


def write_tensors(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values to a file atomically: a previous file is kept until the new file is complete.

    Raises:
        CheckpointError: the disk is full or not writable.
    """
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            torch.save(content, stream)
    except (OSError, RuntimeError) as error:
        cause = _cause(error)
        message = (isinstance(cause, OSError) and refusal(cause, path)) or f"{path} cannot be written: {cause}."
        raise CheckpointError(f"{message} The previous checkpoint is intact: run again to resume from it.") from error


def _cause(error: BaseException) -> BaseException:
    """The operating system's error in the chain of exceptions, or the innermost exception."""
    while getattr(error, "errno", None) is None and error.__context__ is not None:
        error = error.__context__
    return error


def load_checkpoint(path: Path, device: str | torch.device = "cpu") -> TrainedNet:
    """Read a checkpoint written by `save_checkpoint`; nothing in the file is executed.

    Raises:
        CheckpointError: the file is missing, damaged, contains code, or is not a checkpoint of these networks.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint. Train the network first.") from None
    except (pickle.UnpicklingError, struct.error, LookupError):  # torch's own message recommends weights_only=False
        raise CheckpointError(f"{path}: rejected: not a checkpoint, or it contains more than tensors and plain values.") from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged ({error}). Train again or restore the file.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a checkpoint of this project (format {FORMAT} expected).")
    try:
        described = _Content.model_validate(content)
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: not a checkpoint that training writes ({_first(error)}). Train again or restore the file."
        ) from None
    if damaged := [name for name, values in described.state_dict.items() if not torch.isfinite(values).all()]:
        raise CheckpointError(
            f"{path}: {len(damaged)} of its tensors contain NaN or infinite weights, first {damaged[0]}; the network cannot be "
            "used. Train again with a lower learning rate, or restore the file."
        )
    try:
        return _restore(described, device)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: does not fit this version's networks ({reason}). Train again.") from error


Side = Annotated[int, Field(ge=1, le=16384)]


class _Content(BaseModel):
    """A checkpoint's content, validated when the file is read."""

    model_config = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)

    stage: StageName
    landmarks: list[str] = Field(min_length=1)
    input_size: list[Side] = Field(min_length=2, max_length=2)
    stride: int
    sigma_px: float = Field(gt=0)
    activation: Activation
    architecture: dict[str, Any]
    facts: dict[str, Any]
    state_dict: dict[str, Tensor]

    @model_validator(mode="after")
    def _agrees_with_its_network(self) -> _Content:
        for name, said in (("stride", self.stride), ("n_landmarks", len(self.landmarks))):
            if self.architecture.get(name) != said:
                raise ValueError(f"{name} is {said}, but its network has {self.architecture.get(name)}")
        if any(side % self.stride for side in self.input_size):
            raise ValueError(f"input_size {self.input_size} is not a multiple of stride {self.stride}")
        if len(set(self.landmarks)) < len(self.landmarks):
            raise ValueError("landmarks: a name occurs twice")
        return self

    @model_validator(mode="after")
    def _knows_what_its_stage_needs(self) -> _Content:
        if self.stage == "stage2":
            CropParams.model_validate(self.facts.get("crops"))
        elif self.facts.get("resize") not in RESIZES:
            raise ValueError(f"facts.resize is {self.facts.get('resize')!r}, expected one of {RESIZES}")
        elif not (isinstance(gamma := self.facts.get("input_gamma", 1.0), float) and 0 < gamma < math.inf):
            raise ValueError(f"facts.input_gamma is {gamma!r}, expected a finite float above 0")
        if not isinstance(flips := self.facts.get("flips", True), bool):
            raise ValueError(f"facts.flips is {flips!r}, expected true or false")
        return self


def _first(error: ValidationError) -> str:
    """The first validation error, as `field: message`."""
    detail = error.errors(include_url=False)[0]
    place, message = ".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def load_networks(paths: Sequence[Path], stage: StageName, params: DetectorParams) -> tuple[TrainedNet, ...]:
    """Read the networks of one stage, one or an ensemble.

    Args:
        paths: Their checkpoints.
        stage: The stage of the networks.
        params: The device and the runtime.

    Raises:
        CheckpointError: `load_checkpoint` rejects a file, or a network has another stage, or other landmarks than the first.
        DeviceError: this machine has no such device.
        OnnxError: onnxruntime is requested but not installed, or cannot compute a network.
    """
    on_onnx = params.runtime == "onnxruntime"
    device = resolve_device("cpu" if on_onnx else params.device)
    networks = tuple(load_checkpoint(path, device) for path in paths)
    for path, trained in zip(paths, networks, strict=True):
        if trained.stage != stage:
            raise CheckpointError(
                f"{path}: contains a network of {trained.stage}, expected {stage}. Restore the file or train again."
            )
        if trained.landmarks != networks[0].landmarks:
            raise CheckpointError(
                f"{path}: predicts {_in_short(trained.landmarks)}, but {paths[0]} predicts {_in_short(networks[0].landmarks)}: "
                "the networks of an ensemble must predict the same landmarks in the same order. Train them on one data set."
            )
    requested = params.views_stage1 if stage == "stage1" else params.views_stage2
    if learned_views(requested, networks) != views_of(requested):
        one_way = next(path for path, trained in zip(paths, networks, strict=True) if not learns_both_ways(trained))
        logger.warning(
            "detector.views_%s: flipped views are skipped; %s was trained on faces of one direction only", stage, one_way
        )
    return tuple(map(on_onnxruntime, networks, paths)) if on_onnx else networks


def _in_short(landmarks: Sequence[str]) -> str:
    return f"{len(landmarks)} landmarks ({', '.join(landmarks[:2])}, …)"


def _restore(content: _Content, device: str | torch.device) -> TrainedNet:
    """The network that a checkpoint's content describes."""
    architecture = {name: value for name, value in content.architecture.items() if name != "groups"}  # None in older files
    net = create_net(content.stage, architecture | {"pretrained": False})
    net.load_state_dict(content.state_dict)
    return TrainedNet(
        net=net.to(device).to(memory_format=torch.channels_last).eval(),
        stage=content.stage,
        landmarks=tuple(content.landmarks),
        input_size=(content.input_size[0], content.input_size[1]),
        stride=content.stride,
        sigma_px=content.sigma_px,
        activation=content.activation,
        architecture=architecture,
        facts=content.facts,
    )

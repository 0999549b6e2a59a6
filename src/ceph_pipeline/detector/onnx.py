"""Exports trained networks to ONNX, and runs them with onnxruntime instead of torch.

The file `best.onnx` is next to its checkpoint and stores the checkpoint's digest. The file is written at its first use, and
again after the checkpoint has changed.
"""

from __future__ import annotations

import copy
import logging
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ceph_pipeline.artifacts import atomic_path, fingerprint
from ceph_pipeline.errors import CephError, install_hint
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.models.heads import DistanceHead

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from ceph_pipeline.detector.checkpoint import TrainedNet

logger = logging.getLogger(__name__)

CHECKPOINT = "checkpoint"
"""Name of the digest in the file's metadata."""


class OnnxError(CephError, RuntimeError):
    """A network cannot be exported, or onnxruntime is not installed."""


class OnnxNet:
    """An ONNX file with the interface of its network; computes on the CPU in float32.

    Args:
        path: The file.
        stage: `stage1` returns a `LandmarkOutput`, `stage2` returns heatmaps.
        distance_head: Computes measurements from the heatmaps with torch; None if the network predicts no measurements.
    """

    def __init__(self, path: Path, stage: str, distance_head: DistanceHead | None = None) -> None:
        self.session = _session(path)
        self.stage, self.distance_head = stage, distance_head

    def __call__(self, images: Tensor, landmark: Tensor | None = None) -> LandmarkOutput | Tensor:
        """See `LandmarkNet.forward` and `RefinementNet.forward`."""
        given = {"images": images, "landmark": landmark}
        inputs = {name: tensor.contiguous().numpy() for name, tensor in given.items() if tensor is not None}
        names = [output.name for output in self.session.get_outputs()]
        found = {name: torch.from_numpy(values) for name, values in zip(names, self.session.run(names, inputs), strict=True)}
        if self.stage == "stage2":
            return found["heatmaps"]
        measurements = None if self.distance_head is None else self.distance_head(found["heatmaps"])
        return LandmarkOutput(found["heatmaps"], found.get("cvm_logits"), measurements)


def on_onnxruntime(trained: TrainedNet, checkpoint: Path) -> TrainedNet:
    """The same network, computed by onnxruntime.

    Args:
        trained: The network of the checkpoint, on the CPU.
        checkpoint: The checkpoint's file; the ONNX file is written next to it if missing or outdated.

    Raises:
        OnnxError: the extra `onnx` is not installed, or the network cannot be exported.
    """
    path, digest = checkpoint.with_suffix(".onnx"), fingerprint(checkpoint)
    if not path.is_file() or _checkpoint_of(path) != digest:
        export_onnx(trained, path, digest)
        logger.info("%s exported to %s", trained.stage, path)
    return replace(trained, onnx=OnnxNet(path, trained.stage, _distance_head(trained.net)))


def export_onnx(trained: TrainedNet, target: Path, checkpoint: str) -> None:
    """Write a network as one ONNX file atomically.

    The inputs are `images` `(N, 1, H, W)`, normalised, and for stage 2 `landmark` `(N,)` int64. The outputs are logits:
    `heatmaps`, and `cvm_logits` if the network has a CVM head. The batch size is dynamic; the input size is fixed.

    Args:
        trained: The network, on the CPU.
        target: The file.
        checkpoint: Digest of the checkpoint, stored in the file's metadata.

    Raises:
        OnnxError: the extra `onnx` is not installed, or torch cannot export the network.
    """
    width, height = trained.input_size
    examples: dict[str, Tensor] = {"images": torch.zeros(2, 1, height, width)}
    net = _without_distances(trained.net)
    outputs = ["heatmaps", "cvm_logits"] if getattr(net, "stage_head", None) is not None else ["heatmaps"]
    if trained.stage == "stage2":
        examples["landmark"] = torch.zeros(2, dtype=torch.int64)
    batch = {0: torch.export.Dim("batch", min=1)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter warns about its own internals
            program = torch.onnx.export(
                net,
                tuple(examples.values()),
                input_names=list(examples),
                output_names=outputs,
                dynamic_shapes=tuple(batch for _ in examples),
                dynamo=True,
                verbose=False,
            )
    except ImportError as error:
        raise OnnxError(_INSTALL) from error
    except torch.onnx.OnnxExporterError as error:
        raise OnnxError(f"{target}: torch cannot export this network ({str(error).splitlines()[0]}).") from error
    if program is None:
        raise OnnxError(f"{target}: torch exported no model.")
    program.model.metadata_props[CHECKPOINT] = checkpoint
    with atomic_path(target) as temporary:
        program.save(temporary, external_data=False)


_INSTALL = f"onnxruntime and the exporter are an extra; {install_hint('onnx')}."


def _distance_head(net: nn.Module) -> DistanceHead | None:
    head = getattr(net, "measurement_head", None)
    return head if isinstance(head, DistanceHead) else None


def _without_distances(net: nn.Module) -> nn.Module:
    """The network without a distance head: torch decodes the heatmaps."""
    if _distance_head(net) is None:
        return net
    bare = copy.deepcopy(net)
    bare.register_module("measurement_head", None)
    return bare


def _checkpoint_of(path: Path) -> str | None:
    try:
        return str(_session(path).get_modelmeta().custom_metadata_map.get(CHECKPOINT))
    except OnnxError:
        return None


def _session(path: Path) -> Any:
    """An inference session.

    Raises:
        OnnxError: onnxruntime is not installed, or the file is not a model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise OnnxError(_INSTALL) from error
    onnxruntime.set_default_logger_severity(3)
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no class in common
        raise OnnxError(f"{path}: onnxruntime cannot load it ({error}). Delete the file: it is exported again.") from error

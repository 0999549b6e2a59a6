"""One forward pass: from an array of inputs to points in input pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from ceph_pipeline.cephalometry.learned import CVM_PROBABILITY, CVM_STAGE
from ceph_pipeline.detector.precision import computes_bfloat16
from ceph_pipeline.errors import CephError
from ceph_pipeline.heatmaps import decode
from ceph_pipeline.losses.cvm import predicted_stage, stage_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.models import LandmarkOutput


@dataclass(frozen=True)
class ForwardResult:
    """Predictions of a network for a batch.

    Attributes:
        xy: `(N, K, 2)` in px of the network's input.
        peak: `(N, K)`, heights of the heatmaps; near 1 if the network is certain.
        outputs: `(N,)` each, outputs of stage 1's other heads: `cvm_stage` (1–6), `cvm_probability` (0–1) of that stage, and
            measurements, with lengths in px of the network's input (`cephalometry.learned`).
    """

    xy: NDArray[np.float64]
    peak: NDArray[np.float64]
    outputs: dict[str, NDArray[np.float64]] = field(default_factory=dict)


class DeviceError(CephError, ValueError):
    """The requested device is not available on this machine."""


def resolve_device(name: str) -> torch.device:
    """The device of a name; `auto` selects a GPU if one is available.

    Raises:
        DeviceError: this machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in there.items() if found))
    device = torch.device(name)
    if not there.get(device.type, True):
        found = ", ".join(kind for kind, is_there in there.items() if is_there)
        raise DeviceError(f"device: {name!r} is not available, this machine has {found}. Set it to auto or to one of these.")
    return device


def native_precision(device: torch.device) -> torch.autocast:
    """The autocast context of networks: bfloat16 on devices that compute it natively, which moves points by about 0.02 mm."""
    return torch.autocast(device.type, torch.bfloat16, enabled=computes_bfloat16(device.type))


@torch.inference_mode()
def locate(
    trained: TrainedNet,
    inputs: NDArray[np.float32],
    landmark: NDArray[np.int64] | None = None,
) -> ForwardResult:
    """Run the network and decode its heatmaps.

    Args:
        trained: A network of either stage, on any device.
        inputs: `(N, H, W)`, normalised.
        landmark: `(N,)`, the index of the landmark in each crop; stage 2 only.
    """
    device = next(trained.net.parameters()).device
    images = channels_last(inputs).to(device)
    with native_precision(device):
        net = trained.onnx or trained.net
        output = net(images) if landmark is None else net(images, torch.from_numpy(landmark).to(device))
    logits = output if isinstance(output, torch.Tensor) else output.heatmaps
    points = decode(trained.heatmaps(logits.float()), sigma=trained.sigma_px)
    others = {} if isinstance(output, torch.Tensor) else _other_outputs(trained, output)
    return ForwardResult(_float64(trained.to_input(points.xy)), _float64(points.score), others)


def _other_outputs(trained: TrainedNet, output: LandmarkOutput) -> dict[str, NDArray[np.float64]]:
    """The outputs of the heads other than the heatmap head."""
    found: dict[str, NDArray[np.float64]] = {}
    if output.cvm_logits is not None:
        logits = output.cvm_logits.float()
        stage = predicted_stage(logits)
        found[CVM_STAGE] = _float64(stage)
        found[CVM_PROBABILITY] = _float64(stage_probabilities(logits).gather(-1, stage[:, None] - 1)[:, 0])
    if output.measurements is not None:
        scored = _float64(output.measurements.float())
        values = scored * np.array(trained.facts["measurement_sd"]) + np.array(trained.facts["measurement_mean"])
        found |= dict(zip(trained.facts["measurements"], values.T, strict=True))
    return found


def _float64(values: Tensor) -> NDArray[np.float64]:
    return values.cpu().numpy().astype(np.float64)


def channels_last(inputs: NDArray[np.float32]) -> Tensor:
    """Images `(N, 1, H, W)` with the strides of channels_last.

    With one channel both layouts have the same bytes. Torch treats contiguous strides as the other layout, in which
    convolutions on a CPU are slower.
    """
    return torch.from_numpy(inputs)[..., None].permute(0, 3, 1, 2)

"""The steps that are timed, each on random pixels in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ceph_pipeline.detector.checkpoint import TrainedNet, create_net
from ceph_pipeline.heatmaps import decode
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.training.batch import Batch
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.params import LossParams, OptimParams

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from ceph_pipeline.benchmark.params import NetCase
    from ceph_pipeline.benchmark.precision import Arithmetic

SIGMA_PX = 2.0


def untrained(case: NetCase, n_landmarks: int) -> TrainedNet:
    """A network with random weights, which is as fast as a trained one."""
    net = create_net(case.stage, {"backbone": case.backbone, "n_landmarks": n_landmarks, "stride": case.stride})
    return TrainedNet(
        net=net.eval(),
        stage=case.stage,
        landmarks=tuple(f"landmark {number}" for number in range(n_landmarks)),
        input_size=(case.width_px, case.height_px),
        stride=case.stride,
        sigma_px=SIGMA_PX,
        activation="linear",
        architecture=net.architecture,
    )


def random_batch(case: NetCase, batch_size: int, n_landmarks: int) -> Batch:
    """Random pixels and points."""
    rng = np.random.default_rng(0)
    n, per_input = batch_size, n_landmarks if case.stage == "stage1" else 1
    pixels = rng.standard_normal((n, 1, case.height_px, case.width_px)).astype(np.float32)
    points = rng.uniform(0.2, 0.8, (n, per_input, 2)) * (case.width_px, case.height_px)
    return Batch(
        images=torch.from_numpy(pixels),
        points=torch.from_numpy(points.astype(np.float32)),
        to_original=torch.eye(2, 3).expand(n, 2, 3),
        pixel_size_mm=torch.full((n,), 0.1),
        long_side_px=torch.full((n,), float(max(case.width_px, case.height_px))),
        landmark=torch.from_numpy(rng.integers(0, n_landmarks, n)),
        cvm_stage=torch.zeros(n, dtype=torch.int64),
        measurements=torch.zeros(n, 0),
    )


def forward_step(trained: TrainedNet, batch: Batch, arithmetic: Arithmetic) -> Callable[[], object]:
    """The forward pass alone, with inputs that are already on the device."""
    inputs = _inputs(trained, batch, arithmetic)

    @torch.inference_mode()
    def step() -> object:
        with arithmetic.autocast():
            return trained.net(*inputs)

    return step


def inference_step(trained: TrainedNet, batch: Batch, arithmetic: Arithmetic) -> Callable[[], object]:
    """Inference from pixels in memory to points in memory: transfer to the device, forward pass, decoding, transfer back."""

    @torch.inference_mode()
    def step() -> object:
        with arithmetic.autocast():
            output = trained.net(*_inputs(trained, batch, arithmetic))
        logits = output.heatmaps if trained.stage == "stage1" else output
        return decode(trained.heatmaps(logits.float()), "dark", trained.sigma_px).xy.cpu()

    return step


def bare_step(net: nn.Module, inputs: tuple[Tensor, ...], arithmetic: Arithmetic) -> Callable[[], object]:
    """A minimal training step: forward pass, squared output, backward pass and AdamW, with inputs already on the device."""
    optimiser, scaler = torch.optim.AdamW(net.parameters()), arithmetic.scaler()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with arithmetic.autocast():
            output = net(*inputs)
        parts = (output,) if isinstance(output, torch.Tensor) else output
        cost = torch.stack([part.float().square().mean() for part in parts if part is not None]).sum()
        torch.autograd.backward(scaler.scale(cost))
        scaler.step(optimiser)
        scaler.update()

    return step


def training_step(trained: TrainedNet, batch: Batch, arithmetic: Arithmetic) -> Callable[[], object]:
    """Forward pass, targets, loss, backward pass and optimiser step, as in `training`."""
    inputs = _inputs(trained, batch, arithmetic)
    on_device = Batch(*(field.to(arithmetic.device) for field in batch))
    module = LandmarkModule(trained, LossParams(cvm_weight=0.0), OptimParams()).to(arithmetic.device).train()
    optimiser, scaler = torch.optim.AdamW(module.parameters()), arithmetic.scaler()

    def step() -> object:
        optimiser.zero_grad(set_to_none=True)
        with arithmetic.autocast():
            output = trained.net(*inputs)
            found = output if trained.stage == "stage1" else LandmarkOutput(output, None, None)
            total, _ = module.loss(found, on_device, ramp=1.0)
        torch.autograd.backward(scaler.scale(total))
        scaler.step(optimiser)
        scaler.update()
        return total

    return step


def bare_training_step(trained: TrainedNet, batch: Batch, arithmetic: Arithmetic) -> Callable[[], object]:
    """`bare_step` for a network and a batch."""
    return bare_step(trained.net.train(), _inputs(trained, batch, arithmetic), arithmetic)


def _inputs(trained: TrainedNet, batch: Batch, arithmetic: Arithmetic) -> tuple[Tensor, ...]:
    images = arithmetic.place(batch.images)
    return (images,) if trained.stage == "stage1" else (images, batch.landmark.to(arithmetic.device))

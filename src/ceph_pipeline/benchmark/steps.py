"""The steps that are timed, each on random pixels: the network alone, network and decoding, one step of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ceph_pipeline.inference.forward import locate, native_precision
from ceph_pipeline.training.batch import Batch
from ceph_pipeline.training.checkpoint import TrainedNet, create_net
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.params import LossParams, OptimParams
from ceph_pipeline.training.precision import lightning_precision

if TYPE_CHECKING:
    from collections.abc import Callable

    from ceph_pipeline.benchmark.params import NetCase

_AUTOCAST = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def untrained(case: NetCase, n_landmarks: int, device: torch.device) -> TrainedNet:
    """A network of random weights, which is as fast as a trained one."""
    torch.manual_seed(0)
    architecture = {"backbone": case.backbone, "n_landmarks": n_landmarks, "stride": case.stride}
    return TrainedNet(
        net=create_net(case.stage, architecture).to(device).eval(),
        stage=case.stage,
        landmarks=tuple(f"landmark {number}" for number in range(n_landmarks)),
        input_size=(case.width_px, case.height_px),
        stride=case.stride,
        sigma_px=2.0,
        activation="linear",
        architecture=architecture,
    )


def random_batch(case: NetCase, n_landmarks: int) -> Batch:
    """Random pixels and points."""
    rng = np.random.default_rng(0)
    n, per_input = case.batch_size, n_landmarks if case.stage == "stage1" else 1
    pixels = rng.standard_normal((n, 1, case.height_px, case.width_px)).astype(np.float32)
    points = rng.uniform(0.2, 0.8, (n, per_input, 2)) * (case.width_px, case.height_px)
    return Batch(
        images=torch.from_numpy(pixels),
        points=torch.from_numpy(points.astype(np.float32)),
        to_original=torch.eye(2, 3).expand(n, 2, 3),
        pixel_size_mm=torch.full((n,), 0.1),
        long_side_px=torch.full((n,), 2400.0),
        landmark=torch.from_numpy(rng.integers(0, n_landmarks, n)),
        cvm_stage=torch.zeros(n, dtype=torch.int64),
        measurements=torch.zeros(n, 0),
    )


def forward_step(trained: TrainedNet, batch: Batch) -> Callable[[], object]:
    """The network alone, its input on the device already."""
    device = next(trained.net.parameters()).device
    images = batch.images.to(device).contiguous(memory_format=torch.channels_last)
    inputs = (images,) if trained.stage == "stage1" else (images, batch.landmark.to(device))

    @torch.inference_mode()
    def step() -> object:
        with native_precision(device):
            return trained.net(*inputs)

    return step


def inference_step(trained: TrainedNet, batch: Batch) -> Callable[[], object]:
    """From pixels in memory to points in memory, as `inference` does it."""
    pixels, landmark = batch.images[:, 0].numpy(), batch.landmark.numpy() if trained.stage == "stage2" else None
    return lambda: locate(trained, pixels, "dark", landmark)


def training_step(trained: TrainedNet, batch: Batch, precision: str) -> Callable[[], object]:
    """Forward, loss, backward and the optimiser's step, as `training` does them."""
    device = next(trained.net.parameters()).device
    on_device = Batch(*(field.to(device) for field in batch))
    module = LandmarkModule(trained, LossParams(cvm_weight=0.0), OptimParams()).to(device).train()
    optimiser = torch.optim.AdamW(module.parameters())
    dtype = _AUTOCAST[lightning_precision(precision)] if device.type != "mps" else None
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)

    def step() -> object:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            total, _ = module.loss(module(on_device), on_device, ramp=1.0)
        torch.autograd.backward(scaler.scale(total))
        scaler.step(optimiser)
        scaler.update()
        return total

    return step

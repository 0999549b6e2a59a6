"""Compare the full training step with a bare loop: the cost of loading, targets, loss, logging and weight averaging."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import torch

from ceph_pipeline.benchmark.memory import PeakMemory
from ceph_pipeline.benchmark.precision import Arithmetic
from ceph_pipeline.benchmark.steps import bare_step
from ceph_pipeline.benchmark.synthetic import draw_data
from ceph_pipeline.benchmark.timing import time_step, wait
from ceph_pipeline.detector.checkpoint import TrainedNet, create_net
from ceph_pipeline.training.distributed.rank import ALONE
from ceph_pipeline.training.fit import fit
from ceph_pipeline.training.precision import lightning_precision
from ceph_pipeline.training.stage1 import Stage1Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.utils.data import DataLoader

    from ceph_pipeline.benchmark.params import BenchmarkParams, FullStepCase
    from ceph_pipeline.training.batch import Batch
    from ceph_pipeline.training.params import Stage1Params

_DTYPES = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class ClockedLoader:
    """The loader of a training, with a time stamp for each batch.

    Args:
        loader: The loader.
        device: Device of the training.
        warmup: Number of steps that are excluded.

    Attributes:
        requested_s: Times at which batches were requested.
        given_s: Times at which batches were returned.
    """

    def __init__(self, loader: DataLoader[Batch], device: torch.device, warmup: int) -> None:
        self.loader, self.device, self.warmup = loader, device, warmup
        self.requested_s: list[float] = []
        self.given_s: list[float] = []

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
        """The loader's batches."""
        batches = iter(self.loader)
        while True:
            if len(self.requested_s) in (
                self.warmup,
                len(self) - 1,
            ):  # the device computes asynchronously: wait for the submitted work
                wait(self.device)
            self.requested_s.append(time.perf_counter())
            batch = next(batches, None)
            if batch is None:
                return
            self.given_s.append(time.perf_counter())
            yield batch

    def seconds_a_step(self) -> float:
        """Mean time between two requests, without the warm-up and the last step."""
        times = self.requested_s[self.warmup : len(self)]
        return (times[-1] - times[0]) / (len(times) - 1)

    def waiting_share(self) -> float:
        """Share of the time that the training waits for batches; on a GPU, which computes in the meantime, an upper bound."""
        waited = np.subtract(self.given_s, self.requested_s[: len(self.given_s)])[self.warmup : len(self) - 1]
        return float(waited.mean() / self.seconds_a_step())


def measure_full_step(case: FullStepCase, params: BenchmarkParams, stage1: Stage1Params) -> dict[str, Any]:
    """Train for one epoch of random images as in `stage1`, and time a bare loop of the same network before and after.

    The bare loop uses the same number format and layout, on one batch in memory.

    Args:
        case: Network, input, batch and workers.
        params: Number of repetitions.
        stage1: All other parameters: loss, optimiser, weight averaging, augmentation.

    Returns:
        The fields of the case, `device`, `precision`, `images_per_s`, `bare_images_per_s`, their ratio `of_bare`,
        `waiting_share`, `peak_memory_mib` and `steps`.
    """
    settings = trained_as(case, stage1)
    n_steps = params.num_warmup + params.num_iterations + 1
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # the device that Lightning selects
    memory = PeakMemory(device)
    with TemporaryDirectory() as name:
        tables, store = draw_data(Path(name) / "cache", n_steps * case.batch_size, params.n_landmarks, case.cache_long_side_px)
        module, data = Stage1Job(tables, store, settings).prepare(ALONE)
        loader = ClockedLoader(data.train_dataloader(), device, params.num_warmup)
        before = _bare_seconds(module.trained, settings, params, device)
        memory.restart()
        with patch.object(data, "train_dataloader", lambda: loader):
            fit(module, data, Path(name), settings, None)
        peak = memory.mebibytes()
        after = _bare_seconds(module.trained, settings, params, device)
    bare_s, full_s = (before + after) / 2, loader.seconds_a_step()
    return {
        **case.model_dump(),
        "device": device.type,
        "precision": lightning_precision(settings.optim.precision),
        "images_per_s": case.batch_size / full_s,
        "bare_images_per_s": case.batch_size / bare_s,
        "of_bare": bare_s / full_s,
        "waiting_share": loader.waiting_share(),
        "peak_memory_mib": peak,
        "steps": params.num_iterations,
    }


def trained_as(case: FullStepCase, stage1: Stage1Params) -> Stage1Params:
    """The parameters of stage 1 with the network, input, batch and workers of the case, for one epoch from random weights."""
    net = {"backbone": case.backbone, "input_width_px": case.width_px, "input_height_px": case.height_px, "pretrained": False}
    optim = {
        "epochs": 1,
        "batch_size": case.batch_size,
        "accumulate_batches": 1,
        "unfreeze_after_epochs": 0,
        "ema_decay": stage1.optim.ema_decay or 0.999,
    }
    loop = {"workers": case.workers, "validate_every_epochs": 1, "find": None, "devices": 1, "nodes": 1}
    return stage1.model_copy(
        update={
            "net": stage1.net.model_copy(update=net),
            "optim": stage1.optim.model_copy(update=optim),
            "loop": stage1.loop.model_copy(update=loop),
            "images_per_epoch": None,
        }
    )


def _bare_seconds(trained: TrainedNet, settings: Stage1Params, params: BenchmarkParams, device: torch.device) -> float:
    net = create_net(trained.stage, trained.architecture)
    arithmetic = Arithmetic(
        device, _DTYPES[lightning_precision(settings.optim.precision)], torch.channels_last, settings.optim.compile
    )
    arithmetic.prepare(net)
    width, height = trained.input_size
    images = arithmetic.place(torch.randn(settings.optim.batch_size, 1, height, width))
    step = bare_step(net.train(), (images,), arithmetic)
    return time_step(step, params.num_iterations, params.num_warmup, device).median_s

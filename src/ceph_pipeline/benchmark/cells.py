"""Cells of the benchmark: a cell is a network with one batch size and one configuration."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ceph_pipeline.benchmark.memory import PeakMemory
from ceph_pipeline.benchmark.precision import Arithmetic, CannotCompileError, without_tf32
from ceph_pipeline.benchmark.steps import (
    bare_training_step,
    forward_step,
    inference_step,
    random_batch,
    training_step,
    untrained,
)
from ceph_pipeline.benchmark.timing import time_step
from ceph_pipeline.detector.forward import resolve_device
from ceph_pipeline.models import count_flops, count_parameters
from ceph_pipeline.training.batch_plan import is_out_of_memory

if TYPE_CHECKING:
    from ceph_pipeline.benchmark.params import BenchmarkParams, Configuration, NetCase
    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.training.batch import Batch

logger = logging.getLogger(__name__)

OUT_OF_MEMORY = "out of memory"

_BARE_AND_WHOLE = {
    "inference": (("forward", forward_step), ("inference", inference_step)),
    "training": (("bare", bare_training_step), ("training", training_step)),
}


@dataclass(frozen=True)
class Cell:
    """Two steps that are timed together, in a separate process."""

    case: NetCase
    batch_size: int
    configuration: Configuration
    mode: str

    def about(self) -> dict[str, Any]:
        """Columns that identify the rows of the cell."""
        return {
            "stage": self.case.stage,
            "backbone": self.case.backbone,
            "width_px": self.case.width_px,
            "height_px": self.case.height_px,
            "stride": self.case.stride,
            "batch_size": self.batch_size,
            "configuration": self.configuration,
        }

    def steps(self) -> tuple[str, str]:
        """Names of the bare step and the whole step."""
        (bare, _), (whole, _) = _BARE_AND_WHOLE[self.mode]
        return bare, whole


def cells(params: BenchmarkParams) -> list[Cell]:
    """All cells of a benchmark without duplicates, which can result from cases with overlapping batch sizes."""
    modes = ("inference", "training") if params.mode == "both" else (params.mode,)
    found = (
        Cell(case.network(), batch_size, configuration, mode)
        for case in params.cases
        for mode in modes
        for batch_size in case.batch_sizes
        for configuration in params.configurations
    )
    return list(dict.fromkeys(found))


def measure(cell: Cell, params: BenchmarkParams) -> list[dict[str, Any]]:
    """Time the two steps of a cell.

    Returns:
        One row per step. `status` is `ok`, or the reason why the step was not timed: `out of memory`, `cannot compile: …`.
    """
    try:
        with without_tf32():
            return list(_rows(cell, params))
    except CannotCompileError as error:
        return failed(cell, f"cannot compile: {error}")
    except Exception as error:
        if is_out_of_memory(error):
            return failed(cell, OUT_OF_MEMORY)
        if Arithmetic.of(cell.configuration, torch.device("cpu")).compiled:
            return failed(cell, f"cannot compile: {type(error).__name__}")  # compilers raise many types of exceptions
        raise


def failed(cell: Cell, status: str) -> list[dict[str, Any]]:
    """The rows of a cell that could not be measured."""
    return [{"step": step, **cell.about(), "status": status} for step in cell.steps()]


def _rows(cell: Cell, params: BenchmarkParams) -> Iterator[dict[str, Any]]:
    arithmetic = Arithmetic.of(cell.configuration, resolve_device(params.device))
    trained = untrained(cell.case, params.n_landmarks)
    batch = random_batch(cell.case, cell.batch_size, params.n_landmarks)
    size = {
        "million_parameters": count_parameters(trained.net) / 1e6,
        "gflop_per_input": _flops(trained, batch) / 1e9,
    }
    memory = PeakMemory(arithmetic.device)
    arithmetic.prepare(trained.net)
    bare_s = None
    for step, build in _BARE_AND_WHOLE[cell.mode]:
        memory.restart()
        timing = _time(build, trained, batch, arithmetic, params)
        bare_s = bare_s or timing.median_s
        yield {
            "step": step,
            **cell.about(),
            "status": "ok",
            **size,
            "median_ms": 1000 * timing.median_s,
            "p10_ms": 1000 * timing.low_s,
            "p90_ms": 1000 * timing.high_s,
            "repetitions": timing.repetitions,
            "images_per_s": cell.batch_size / timing.median_s,
            "peak_memory_mib": memory.mebibytes(),
            "of_bare": bare_s / timing.median_s,
        }


def _time(
    build: Callable[[TrainedNet, Batch, Arithmetic], Callable[[], object]],
    trained: TrainedNet,
    batch: Batch,
    arithmetic: Arithmetic,
    params: BenchmarkParams,
) -> Any:
    step = build(trained, batch, arithmetic)
    return time_step(step, params.num_iterations, params.num_warmup, arithmetic.device, params.max_seconds)


def _flops(trained: TrainedNet, batch: Batch) -> int:
    landmark = [batch.landmark[:1]] if trained.stage == "stage2" else []
    return count_flops(trained.net, torch.zeros_like(batch.images[:1]), *landmark)

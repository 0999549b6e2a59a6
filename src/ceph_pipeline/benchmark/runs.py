"""Timing every configured case."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from tqdm.auto import tqdm

from ceph_pipeline.benchmark.steps import forward_step, inference_step, random_batch, training_step, untrained
from ceph_pipeline.benchmark.timing import Timing, time_step
from ceph_pipeline.inference.forward import resolve_device
from ceph_pipeline.models import count_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ceph_pipeline.benchmark.params import BenchmarkParams, NetCase


def run_benchmark(params: BenchmarkParams) -> tuple[dict[str, Any], pd.DataFrame]:
    """Time the steps of every case.

    Returns:
        The report: `environment`, and `results` with one entry a (case, step); and the results as a table with the columns
        `step, stage, backbone, width_px, height_px, batch_size, stride, million_parameters, median_ms, p10_ms, p90_ms,
        images_per_s, of_bare_forward`. The last is the step's throughput over the network's alone, for inference.
    """
    device = resolve_device(params.device)
    rows = [row for case in tqdm(params.cases, desc="benchmark", unit="case") for row in _time_case(case, params, device)]
    return {"environment": environment(device), "results": rows}, pd.DataFrame(rows)


def environment(device: torch.device) -> dict[str, Any]:
    """What the figures depend on beside the configuration."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": device.type,
        "device_name": name,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
    }


def _time_case(case: NetCase, params: BenchmarkParams, device: torch.device) -> Iterator[dict[str, Any]]:
    trained, batch = untrained(case, params.n_landmarks, device), random_batch(case, params.n_landmarks)

    def timed(step: Callable[[], object]) -> Timing:
        return time_step(step, params.num_iterations, params.num_warmup, device)

    about = case.model_dump() | {"million_parameters": round(count_parameters(trained.net) / 1e6, 2)}
    if params.mode in ("inference", "both"):
        bare, whole = timed(forward_step(trained, batch)), timed(inference_step(trained, batch))
        yield _row("forward", about, bare)
        yield _row("inference", about, whole) | {"of_bare_forward": bare.median_s / whole.median_s}
    if params.mode in ("training", "both"):
        yield _row("training", about, timed(training_step(trained, batch, params.precision)))


def _row(step: str, about: dict[str, Any], timing: Timing) -> dict[str, Any]:
    return {
        "step": step,
        **about,
        "median_ms": 1000 * timing.median_s,
        "p10_ms": 1000 * timing.low_s,
        "p90_ms": 1000 * timing.high_s,
        "images_per_s": about["batch_size"] / timing.median_s,
    }

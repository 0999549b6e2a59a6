"""How long a step takes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

FEWEST = 3
"""Repetitions that are timed however long they take."""


@dataclass(frozen=True)
class Timing:
    """Warmed, repeated timings of one step.

    Attributes:
        median_s: Seconds.
        low_s: 10th percentile.
        high_s: 90th percentile.
        repetitions: How many were timed.
    """

    median_s: float
    low_s: float
    high_s: float
    repetitions: int


def time_step(
    step: Callable[[], object], iterations: int, warmup: int, device: torch.device, max_seconds: float = float("inf")
) -> Timing:
    """Time a step, waiting for the device before and after each repetition.

    Args:
        step: What is timed.
        iterations: Timed repetitions.
        warmup: Repetitions beforehand, in which kernels are chosen and memory is taken.
        device: Where the step computes.
        max_seconds: When the timed repetitions have taken so long, three of them are enough.
    """
    return time_in_turn({"step": step}, iterations, warmup, device, max_seconds)["step"]


def time_in_turn(
    steps: Mapping[str, Callable[[], object]],
    iterations: int,
    warmup: int,
    device: torch.device,
    max_seconds: float = float("inf"),
) -> dict[str, Timing]:
    """Time steps that are to be compared, one after the other in every repetition: a machine that slows down slows all of them.

    Args:
        steps: What is timed, by name.
        iterations: Timed repetitions of each.
        warmup: Repetitions of each beforehand.
        device: Where the steps compute.
        max_seconds: When a step's timed repetitions have taken so long on average, three of them are enough.
    """
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(warmup):
        for step in steps.values():
            step()
    for repetition in range(iterations):
        if repetition >= FEWEST and sum(map(sum, seconds.values())) >= max_seconds * len(steps):
            break
        for name, step in steps.items():
            wait(device)
            start = time.perf_counter()
            step()
            wait(device)
            seconds[name].append(time.perf_counter() - start)
    return {name: _timing(taken) for name, taken in seconds.items()}


def _timing(seconds: list[float]) -> Timing:
    low, median, high = np.quantile(seconds, (0.1, 0.5, 0.9))
    return Timing(float(median), float(low), float(high), len(seconds))


def wait(device: torch.device) -> None:
    """Until the device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

"""Time the repetitions of a step."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

FEWEST = 3
"""Smallest number of timed repetitions, whatever their duration."""


@dataclass(frozen=True)
class Timing:
    """Statistics of the timed repetitions of one step, after warm-up.

    Attributes:
        median_s: Median, in seconds.
        low_s: 10th percentile, in seconds.
        high_s: 90th percentile, in seconds.
        repetitions: Number of timed repetitions.
    """

    median_s: float
    low_s: float
    high_s: float
    repetitions: int


def time_step(
    step: Callable[[], object], iterations: int, warmup: int, device: torch.device, max_seconds: float = float("inf")
) -> Timing:
    """Time a step, and synchronise the device before and after each repetition.

    Args:
        step: The step.
        iterations: Number of timed repetitions.
        warmup: Number of repetitions before timing, in which kernels are selected and memory is allocated.
        device: Device of the step.
        max_seconds: Stop when the timed repetitions have taken this time, but not before three repetitions.
    """
    return time_in_turn({"step": step}, iterations, warmup, device, max_seconds)["step"]


def time_in_turn(
    steps: Mapping[str, Callable[[], object]],
    iterations: int,
    warmup: int,
    device: torch.device,
    max_seconds: float = float("inf"),
) -> dict[str, Timing]:
    """Time several steps alternately for a comparison, so that a slowdown of the machine affects all steps equally.

    Args:
        steps: The steps, by name.
        iterations: Number of timed repetitions of each step.
        warmup: Number of repetitions of each step before timing.
        device: Device of the steps.
        max_seconds: Stop when the timed repetitions of a step have taken this time on average, but not before three repetitions.
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
    """Wait until the device has finished all submitted work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

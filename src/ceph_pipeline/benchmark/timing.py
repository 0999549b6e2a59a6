"""How long a step takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Timing:
    """Warmed, repeated timings of one step.

    Attributes:
        median_s: Seconds.
        low_s: 10th percentile.
        high_s: 90th percentile.
    """

    median_s: float
    low_s: float
    high_s: float


def time_step(step: Callable[[], object], iterations: int, warmup: int, device: torch.device) -> Timing:
    """Time a step, waiting for the device before and after each repetition.

    Args:
        step: What is timed.
        iterations: Timed repetitions.
        warmup: Repetitions beforehand, in which kernels are chosen and memory is taken.
        device: Where the step computes.
    """
    for _ in range(warmup):
        step()
    seconds = np.empty(iterations)
    for number in range(iterations):
        _wait(device)
        start = time.perf_counter()
        step()
        _wait(device)
        seconds[number] = time.perf_counter() - start
    low, median, high = np.quantile(seconds, (0.1, 0.5, 0.9))
    return Timing(float(median), float(low), float(high))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

"""How long a step takes."""

import time
from collections.abc import Callable
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
    for _ in range(warmup):
        step()
    seconds: list[float] = []
    while len(seconds) < iterations and (len(seconds) < FEWEST or sum(seconds) < max_seconds):
        wait(device)
        start = time.perf_counter()
        step()
        wait(device)
        seconds.append(time.perf_counter() - start)
    low, median, high = np.quantile(seconds, (0.1, 0.5, 0.9))
    return Timing(float(median), float(low), float(high), len(seconds))


def wait(device: torch.device) -> None:
    """Until the device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

"""Time of encoding and decoding heatmaps on one core, compared with one pass over the same maps, and with MMPose."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import click
import cv2
import numpy as np
import pandas as pd
import torch
from one_core import one_core

from ceph_pipeline.benchmark.timing import time_step
from ceph_pipeline.heatmaps import decode, encode
from ceph_pipeline.heatmaps.dark import kernel_size

IMAGES, LANDMARKS, SIDE_PX, SIGMA_PX, STRIDE = 16, 29, 128, 2.0, 4

YARDSTICKS = {"encode": "torch.exp", "decode dark": "cv2.GaussianBlur"}
"""Reference operations: the time of an operation is divided by the time of one pass of its kind over the same maps."""


def time_codec(iterations: int = 20, warmup: int = 3) -> pd.DataFrame:
    """Time the codec on 16 images of 29 maps of 128 × 128 pixels, σ 2 px, on one core.

    Returns:
        Columns `operation`, `ms` (per batch) and `ms_per_image`; for `encode` and `decode dark` also `yardstick`, the reference
        operation, and `ratio`, the time divided by the time of the reference. MMPose has rows only if it is installed.
    """
    with one_core():
        points, maps = drawn_maps()
        timings = {
            name: 1000 * time_step(operation, iterations, warmup, torch.device("cpu")).median_s
            for name, operation in (_operations(points, maps) | mmpose_operations(points, maps)).items()
        }
    rows = [
        {
            "operation": name,
            "ms": ms,
            "ms_per_image": ms / IMAGES,
            "yardstick": YARDSTICKS.get(name),
            "ratio": ms / timings[YARDSTICKS[name]] if name in YARDSTICKS else None,
        }
        for name, ms in timings.items()
    ]
    return pd.DataFrame(rows)


def drawn_maps(noise: float = 0.02) -> tuple[torch.Tensor, torch.Tensor]:
    """Points `(16, 29, 2)` away from the border, and their heatmaps with slight noise."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(IMAGES, LANDMARKS, 2, generator=generator) * (SIDE_PX - 28) + 14
    maps = encode(points, (SIDE_PX, SIDE_PX), SIGMA_PX)
    return points, maps + noise * torch.randn(maps.shape, generator=generator)


def mmpose_operations(points: torch.Tensor, maps: torch.Tensor) -> dict[str, Callable[[], object]]:
    """MMPose's NumPy codec on the same points and maps; empty if MMPose is not installed."""
    if find_spec("mmpose") is None:
        return {}
    side = (SIDE_PX * STRIDE, SIDE_PX * STRIDE)
    codec = import_module("mmpose.codecs").MSRAHeatmap(
        side, (SIDE_PX, SIDE_PX), SIGMA_PX, unbiased=True, blur_kernel_size=kernel_size(SIGMA_PX)
    )
    in_input = (points.numpy() * STRIDE)[:, None]
    visible = np.ones((1, LANDMARKS), np.float32)
    images = list(maps.numpy())
    return {
        "mmpose encode": lambda: [codec.encode(image, visible) for image in in_input],
        "mmpose decode": lambda: [codec.decode(image) for image in images],
    }


def _operations(points: torch.Tensor, maps: torch.Tensor) -> dict[str, Callable[[], object]]:
    kernel = (kernel_size(SIGMA_PX),) * 2
    flat = list(maps.flatten(0, 1).numpy())
    return {
        "torch.exp": lambda: torch.exp(maps),
        "cv2.GaussianBlur": lambda: [cv2.GaussianBlur(single, kernel, 0) for single in flat],
        "encode": lambda: encode(points, (SIDE_PX, SIDE_PX), SIGMA_PX),
        "decode dark": lambda: decode(maps, "dark", SIGMA_PX),
        "decode soft": lambda: decode(maps, "soft", SIGMA_PX),
        "decode quarter": lambda: decode(maps, "quarter", SIGMA_PX),
        "decode argmax": lambda: decode(maps, "argmax", SIGMA_PX),
    }


@click.command()
@click.option("--iterations", default=20, show_default=True, help="Number of timed repetitions; the median is reported.")
@click.option("--warmup", default=3, show_default=True, help="Number of repetitions before timing.")
def main(iterations: int, warmup: int) -> None:
    """Time heatmap encoding and decoding on one core, and MMPose's codec if MMPose is installed."""
    click.echo(time_codec(iterations, warmup).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()

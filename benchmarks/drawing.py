"""Time of drawing a phantom (synthetic cephalogram), and of drawing braces compared with one cubic warp, on one core."""

from __future__ import annotations

import click
import cv2
import numpy as np
import torch
from one_core import one_core

from ceph_pipeline.augmentation.braces import Braces
from ceph_pipeline.augmentation.kinds import Source, random_generator
from ceph_pipeline.benchmark.timing import time_in_turn
from ceph_pipeline.landmarks import find
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import sample_specimen, stream

CPU = torch.device("cpu")
SIZE = (1935, 2400)
"""(width, height) in px of the film on which braces are drawn."""

PHANTOM_PX = 1000
"""Long side of the phantoms in px."""


def phantom(index: int, long_side_px: int) -> np.ndarray:
    """Pixels of one phantom."""
    return draw_cephalogram(sample_specimen(index, 0, long_side_px), stream(0, index, 1))


def braces_of(source: Source, image: np.ndarray) -> np.ndarray:
    """The image with synthetic braces, molar bands and hooks."""
    rng = random_generator(0, source.image_id, "braces", 0)
    return np.asarray(Braces(molar_bands=1, hooks=1).change(source, 0, rng).pixels(image))


@click.command()
@click.option("--iterations", default=12, show_default=True, help="Number of timed repetitions; the median is reported.")
@click.option("--warmup", default=2, show_default=True, help="Number of repetitions before timing.")
def main(iterations: int, warmup: int) -> None:
    """Time drawing a phantom of 1,000 px, and braces on a film of 1935 × 2400 px compared with a cubic warp of the film."""
    specimen = sample_specimen(0, 42, SIZE[1])
    points = {find(symbol).name: (float(x), float(y)) for symbol, (x, y) in specimen.landmarks_px().items()}
    source = Source(specimen.image_id, specimen.path, SIZE, specimen.pixel_size_mm, points)
    image = np.asarray(cv2.resize(phantom(0, SIZE[1]), SIZE))
    turn = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), 7, 1)
    steps = {
        "phantom of 1,000 px": lambda: phantom(1, PHANTOM_PX),
        "braces": lambda: braces_of(source, image),
        "cubic warp": lambda: cv2.warpAffine(image, turn, SIZE, flags=cv2.INTER_CUBIC),
    }
    with one_core():
        timings = time_in_turn(steps, iterations, warmup, CPU)
    for name, timing in timings.items():
        click.echo(f"{name:20} {1000 * timing.median_s:7.1f} ms")
    click.echo(f"braces / warp        {timings['braces'].median_s / timings['cubic warp'].median_s:7.2f}")


if __name__ == "__main__":
    main()

"""Time of cutting crops from a decoded film on one core, compared with a bare loop of the same OpenCV calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np
import pandas as pd
import torch
from one_core import one_core

from ceph_pipeline.benchmark.synthetic import ORIGINAL, draw_films
from ceph_pipeline.benchmark.timing import time_in_turn
from ceph_pipeline.crops import CropParams, SourcePyramid, inference_index
from ceph_pipeline.images.normalise import normalise_each
from ceph_pipeline.landmarks import Affines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.crops.cutting import Pixels

FIELD_PX = 250.0
"""25 mm at 0.1 mm per pixel."""

SIDES_PX = (256, 128)
"""Crops with the resolution of the film, and crops with half that resolution, for which the film is reduced first."""


def time_crops(n_landmarks: int = 29, iterations: int = 20, warmup: int = 3) -> pd.DataFrame:
    """Time the five crops of each landmark of one decoded film of 1935 × 2400 px.

    Returns:
        A row for each of `SIDES_PX`. `ms` is the time from points to crops, including the film's reduction if there is one.
        `bare_ms` is the time of the same OpenCV calls in a loop with precomputed matrices, `warps_ms` the time of the calls of
        `cv2.warpAffine` alone. `of_bare` and `of_warps` are these two times divided by `ms`. `normalising_ms` is the time of
        normalising the crops, the next step of inference.
    """
    film = draw_films(1)[0]
    points = np.random.default_rng(0).uniform(0.15, 0.85, (1, n_landmarks, 2)) * ORIGINAL
    with one_core():
        return pd.DataFrame([_row(film, points, crop_px, iterations, warmup) for crop_px in SIDES_PX])


def _row(film: NDArray[np.uint8], points: NDArray[np.float64], crop_px: int, iterations: int, warmup: int) -> dict[str, Any]:
    crops = cut_all(film, points, crop_px)
    steps: dict[str, Callable[[], object]] = {
        "cut": lambda: cut_all(film, points, crop_px),
        "bare": bare_loop(film, points, crop_px),
        "warps": bare_loop(film, points, crop_px, reduced_before=True),
        "normalise": lambda: normalise_each(crops),
    }
    timings = time_in_turn(steps, iterations, warmup, torch.device("cpu"))
    cut_s, bare_s, warps_s, normalise_s = (timings[name].median_s for name in steps)
    return {
        "crop_px": crop_px,
        "crops": len(crops),
        "ms": 1000 * cut_s,
        "bare_ms": 1000 * bare_s,
        "warps_ms": 1000 * warps_s,
        "of_bare": bare_s / cut_s,
        "of_warps": warps_s / cut_s,
        "normalising_ms": 1000 * normalise_s,
    }


def cut_all(film: NDArray[np.uint8], points: NDArray[np.float64], crop_px: int) -> Pixels:
    """A film's crops `(M, crop_px, crop_px)`, with the steps of stage 2: positions of the crops, their maps, and their pixels."""
    return SourcePyramid(film).cut(_maps(points, crop_px), crop_px)


def bare_loop(
    film: NDArray[np.uint8], points: NDArray[np.float64], crop_px: int, *, reduced_before: bool = False
) -> Callable[[], Pixels]:
    """A loop of the same OpenCV calls, with precomputed positions and matrices.

    Args:
        film: `(height, width)`.
        points: `(1, K, 2)` in px of the film.
        crop_px: Side of the crops.
        reduced_before: Whether the film's reduction is precomputed as well.
    """
    ((_, ready, matrices),) = SourcePyramid(film).warps(_maps(points, crop_px))  # one field of view: all crops share a reduction
    factor = film.shape[0] // ready.shape[0]
    height, width = (factor * side for side in ready.shape)

    def loop() -> Pixels:
        pixels = ready
        if factor > 1 and not reduced_before:
            pixels = cv2.resize(film[:height, :width], (ready.shape[1], ready.shape[0]), interpolation=cv2.INTER_AREA)
        crops = np.empty((len(matrices), crop_px, crop_px), film.dtype)
        for crop, matrix in zip(crops, matrices, strict=True):
            cv2.warpAffine(pixels, matrix, (crop_px, crop_px), crop, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        return crops

    return loop


def _maps(points: NDArray[np.float64], crop_px: int) -> Affines:
    centres = inference_index(points, np.full(len(points), FIELD_PX), CropParams(crop_px=crop_px)).reshape(-1, 2)
    return Affines.crops(centres, np.full(len(centres), FIELD_PX), crop_px)


@click.command()
@click.option("--landmarks", default=29, show_default=True, help="Number of landmarks, with five crops each.")
@click.option("--iterations", default=20, show_default=True, help="Number of timed repetitions; the median is reported.")
@click.option("--warmup", default=3, show_default=True, help="Number of repetitions before timing.")
def main(landmarks: int, iterations: int, warmup: int) -> None:
    """Time the cutting of one film's crops on one core, compared with a bare loop of the same OpenCV calls."""
    click.echo(time_crops(landmarks, iterations, warmup).to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()

"""Cutting crops out of a decoded film, against a bare loop of the same OpenCV calls, on one core."""

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
"""25 mm at 0.1 mm a pixel."""

SIDES_PX = (256, 128)
"""Crops as fine as the film, and half as fine, for which it is reduced first."""


def time_crops(n_landmarks: int = 29, iterations: int = 20, warmup: int = 3) -> pd.DataFrame:
    """Time the five crops of every landmark of one decoded film of 1935 × 2400 px.

    Returns:
        A row for each of `SIDES_PX`. `ms`: from points to crops, the film's reduction included where there is one; `bare_ms`:
        the same OpenCV calls in a loop whose matrices are ready, and `warps_ms` those of `cv2.warpAffine` alone; `of_bare` and
        `of_warps`: their shares of `ms`; `normalising_ms`: what inference does to the crops next.
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
    """A film's crops `(M, crop_px, crop_px)` as stage 2 cuts them: where they lie, by which maps, and their pixels."""
    return SourcePyramid(film).cut(_maps(points, crop_px), crop_px)


def bare_loop(
    film: NDArray[np.uint8], points: NDArray[np.float64], crop_px: int, *, reduced_before: bool = False
) -> Callable[[], Pixels]:
    """The same OpenCV calls, with everything that can be done beforehand done.

    Args:
        film: `(height, width)`.
        points: `(1, K, 2)` px of the film.
        crop_px: Side of the crops.
        reduced_before: The film's reduction is done beforehand, too.
    """
    ((_, ready, matrices),) = SourcePyramid(film).warps(_maps(points, crop_px))  # crops of one field share one reduction
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
@click.option("--landmarks", default=29, show_default=True, help="Landmarks, of five crops each.")
@click.option("--iterations", default=20, show_default=True, help="Timed repetitions, of which the median counts.")
@click.option("--warmup", default=3, show_default=True, help="Repetitions beforehand, not timed.")
def main(landmarks: int, iterations: int, warmup: int) -> None:
    """Time the cutting of one film's crops on one core, against a bare loop of the same OpenCV calls."""
    click.echo(time_crops(landmarks, iterations, warmup).to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()

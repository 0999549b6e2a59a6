"""Time of the evaluation's statistics, from predicted points to all tables, on a data set with random errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import numpy as np
import pandas as pd
import torch

from ceph_pipeline.benchmark.timing import time_in_turn
from ceph_pipeline.evaluation import evaluate
from ceph_pipeline.evaluation.breakdown import device_table, landmark_table
from ceph_pipeline.evaluation.ellipses import error_ellipses
from ceph_pipeline.evaluation.errors import error_rows, stage_error_rows
from ceph_pipeline.evaluation.headline import on_split
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.measurement_errors import class_agreement, measured_stages, measurement_error_table
from ceph_pipeline.evaluation.params import EvaluationParams
from ceph_pipeline.evaluation.readers import inter_reader_rows
from ceph_pipeline.evaluation.robustness import robustness_table
from ceph_pipeline.evaluation.run_comparison import compare_with_earlier
from ceph_pipeline.evaluation.stages import MEAN_SHAPE
from ceph_pipeline.evaluation.uncertainty import assessments, checked_stages, flag_curves, learn, reliability_table
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import CONSENSUS, points_table
from ceph_pipeline.uncertainty import UncertaintyParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

STAGES = ("stage1", "stage1_tta", "stage2", "stage2_tta")
LANDMARKS = list(SCHEMAS["aariz"].names)
KINDS = ("flip", "rotation", "brightness", "braces")
"""Kinds of the augmented copies. Each test image has one copy of each kind."""

READER_SD_PX, STAGE_SD_PX = 8.0, 10.0
EVERYTHING = "everything"


@dataclass(frozen=True)
class Tables:
    """Inputs of the evaluation's nodes.

    Attributes:
        images: Test images, and a fifth as many validation images.
        landmarks: Points of two readers and their consensus.
        predictions: Predictions of all stages.
        errors: Result of `error_table`.
        copies: Augmented copies of the test images.
        copy_errors: Errors of the predictions on the copies.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    predictions: pd.DataFrame
    errors: pd.DataFrame
    copies: pd.DataFrame
    copy_errors: pd.DataFrame


def time_statistics(images: int = 150, iterations: int = 20, warmup: int = 3) -> pd.DataFrame:
    """Time each of the evaluation's statistics as its nodes compute them, on the cores that NumPy uses.

    Returns:
        Columns `statistic` and `seconds`; the last row is `everything`, the sum.
    """
    timings = time_in_turn(statistics(draw_tables(images)), iterations, warmup, torch.device("cpu"))
    seconds = {name: timing.median_s for name, timing in timings.items()}
    return pd.DataFrame((seconds | {EVERYTHING: sum(seconds.values())}).items(), columns=["statistic", "seconds"])


def statistics(tables: Tables) -> dict[str, Callable[[], object]]:
    """The evaluation's statistics by name; each function computes its tables from the inputs of its nodes."""
    settings = EvaluationParams()
    bootstrap = settings.statistics
    test_images = tables.images[tables.images["split"] == "test"]
    test = on_split(tables.errors, tables.images, "test")
    truth = tables.landmarks[tables.landmarks["reader"] == CONSENSUS]
    last = tables.predictions["stage"].iloc[-1]
    no_duplicates = pd.DataFrame({"image_a": pd.Series(dtype=str), "image_b": pd.Series(dtype=str)})

    def uncertainty() -> None:
        models = learn(tables.errors, tables.predictions, tables.images, UncertaintyParams())
        checked = checked_stages(test, tables.predictions, tables.images, models)
        assessments(checked)
        reliability_table(checked)
        flag_curves(checked)

    def measurements() -> None:
        compared = measured_stages(tables.predictions, tables.landmarks, test_images, CONSENSUS)
        measurement_error_table(compared, bootstrap)
        class_agreement(compared, settings.classes, bootstrap)

    return {
        "errors": lambda: error_table(tables.images, tables.landmarks, tables.predictions),
        f"headline, {bootstrap.n_resamples:,} resamples": lambda: evaluate(
            tables.errors, tables.images, no_duplicates, bootstrap
        ),
        "landmarks": lambda: landmark_table(test, bootstrap),
        "devices": lambda: device_table(test, tables.images, bootstrap),
        "kinds of copy": lambda: robustness_table(tables.copy_errors, tables.copies, tables.errors, bootstrap),
        "uncertainty": uncertainty,
        "ellipses": lambda: error_ellipses(tables.predictions[tables.predictions["stage"] == last], truth, test_images),
        "measurements and classes": measurements,
        "against an earlier run": lambda: compare_with_earlier(test, test, "earlier", bootstrap),
    }


def error_table(images: pd.DataFrame, landmarks: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Errors of the stages and of the mean-shape baseline, and differences between the readers."""
    truth = landmarks[landmarks["reader"] == CONSENSUS]
    guess = error_rows(guess_points(mean_shape(truth, images.assign(split="train")), images), truth, images, MEAN_SHAPE)
    return pd.concat([stage_error_rows(predictions, truth, images), guess, inter_reader_rows(landmarks, images)])


def draw_tables(n_test: int, stages: tuple[str, ...] = STAGES) -> Tables:
    """Random predictions around random true points, in the tables of a finished prediction.

    Args:
        n_test: Number of test images; a fifth as many validation images are added.
        stages: Stages of the predictions.
    """
    rng = np.random.default_rng(0)
    n_valid = n_test // 5
    image_ids = [f"drawn_{number:04d}" for number in range(n_test + n_valid)]
    truth = rng.uniform(300, 2000, (len(LANDMARKS), 2)) + rng.normal(0, 40, (len(image_ids), len(LANDMARKS), 2))

    def near(spread_px: float, ids: list[str], points: NDArray[np.float64]) -> pd.DataFrame:
        return points_table(points + rng.normal(0, spread_px, points.shape), ids, LANDMARKS)

    def predicted(ids: list[str], points: NDArray[np.float64]) -> pd.DataFrame:
        drawn = [near(STAGE_SD_PX, ids, points).assign(stage=stage) for stage in stages]
        return pd.concat([rows.assign(sigma_px=rng.uniform(5, 15, len(rows))) for rows in drawn])

    images = pd.DataFrame({"image_id": image_ids, "split": "test", "subset": "drawn", "pixel_size_mm": 0.1}).assign(
        width=1935, height=2400, machine=rng.choice(list("ABCDEFG"), len(image_ids))
    )
    images.loc[n_test:, "split"] = "valid"
    readers = {
        CONSENSUS: near(0.0, image_ids, truth),
        **{name: near(READER_SD_PX, image_ids, truth) for name in ("one", "other")},
    }
    landmarks = pd.concat([rows.assign(reader=reader) for reader, rows in readers.items()])
    predictions = predicted(image_ids, truth)
    copies = _copies(image_ids[:n_test])
    copied = np.tile(truth[:n_test], (len(KINDS), 1, 1))
    copy_truth = points_table(copied, copies["image_id"].tolist(), LANDMARKS)
    copy_images = copies.assign(pixel_size_mm=0.1)
    return Tables(
        images=images,
        landmarks=landmarks,
        predictions=predictions,
        errors=error_table(images, landmarks, predictions),
        copies=copies,
        copy_errors=stage_error_rows(predicted(copies["image_id"].tolist(), copied), copy_truth, copy_images),
    )


def _copies(sources: list[str]) -> pd.DataFrame:
    rows = [(f"{source}__{kind}_0", source, kind, 0, "test") for kind in KINDS for source in sources]
    return pd.DataFrame(rows, columns=["image_id", "source_id", "kind", "copy", "split"])


@click.command()
@click.option("--images", default=150, show_default=True, help="Number of test images.")
@click.option("--iterations", default=20, show_default=True, help="Number of timed repetitions; the median is reported.")
@click.option("--warmup", default=3, show_default=True, help="Number of repetitions before timing.")
def main(images: int, iterations: int, warmup: int) -> None:
    """Time the evaluation's tables and intervals on a test set with random errors, 29 landmarks and four stages."""
    click.echo(time_statistics(images, iterations, warmup).to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()

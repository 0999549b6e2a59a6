"""Radial errors: distances of predicted points from the truth."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.errors import CephError
from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.landmarks.tables import Unit, empty_table, points_array, points_table

ROUNDING = 1e-6
"""Tolerance of thresholds in mm, for rounding errors: (512.2 − 482.2) px × 0.1 mm is 3.0000000000000058 mm in binary."""


class EvaluationError(CephError, ValueError):
    """Predictions, truth and images do not match."""


def radial_errors(pred: ArrayLike, target: ArrayLike, pixel_size_mm: ArrayLike) -> NDArray[np.float64]:
    """Euclidean distance of predicted and true points in millimetres.

        >>> radial_errors([[[3.0, 4.0]]], [[[0.0, 0.0]]], [0.1])
        array([[0.5]])

    Args:
        pred: `(N, K, 2)` predicted points in pixels of the original images.
        target: `(N, K, 2)` true points, NaN where missing.
        pixel_size_mm: `(N,)` millimetres per pixel of each image, NaN where unknown. Use ones for errors in pixels.

    Returns:
        `(N, K)`; NaN where either point is missing or the pixel size unknown.

    Raises:
        EvaluationError: the shapes do not match, or a pixel size is not positive.
    """
    pred, target = np.asarray(pred, np.float64), np.asarray(target, np.float64)
    pixel_size_mm = np.asarray(pixel_size_mm, np.float64)
    if pred.ndim != 3 or pred.shape[-1] != 2 or pred.shape != target.shape:
        raise EvaluationError(f"predicted and true points must both be (N, K, 2), got {pred.shape} and {target.shape}.")
    if pixel_size_mm.shape != pred.shape[:1]:
        raise EvaluationError(f"{len(pred)} images need {len(pred)} pixel sizes, got shape {pixel_size_mm.shape}.")
    if (pixel_size_mm <= 0).any():
        raise EvaluationError(f"pixel sizes must be positive or NaN, found {pixel_size_mm.min()} mm.")
    distances: NDArray[np.float64] = np.linalg.norm(pred - target, axis=-1) * pixel_size_mm[:, None]
    return distances


def sdr(errors: ArrayLike, thresholds: Iterable[float]) -> dict[float, float]:
    """Successful detection rate: percentage of the known errors that are at most each threshold.

        >>> sdr([0.5, 1.5, 2.5, float("nan"), 4.5], [2.0, 4.0])
        {2.0: 50.0, 4.0: 75.0}

    Args:
        errors: Any shape, NaN where unknown.
        thresholds: Thresholds in the errors' unit.

    Returns:
        Percentage by threshold, 0–100; NaN if no error is known.
    """
    known = np.asarray(errors, np.float64)
    known = known[~np.isnan(known)]
    return {t: float(100 * np.mean(known <= t + ROUNDING)) if known.size else float("nan") for t in thresholds}


def sdr_key(threshold_mm: float) -> str:
    """`sdr_2.0` for 2 mm."""
    return f"sdr_{float(threshold_mm)}"


def detections(errors: ArrayLike, threshold: float) -> NDArray[np.float64]:
    """100 where an error is at most the threshold, 0 where it is larger, NaN where unknown; the mean is the SDR."""
    errors = np.asarray(errors, np.float64)
    return np.where(np.isnan(errors), np.nan, 100.0 * (errors <= threshold + ROUNDING))


def error_rows(points: pd.DataFrame, truth: pd.DataFrame, images: pd.DataFrame, stage: str) -> pd.DataFrame:
    """Errors of one set of points, as rows of `ErrorTable`.

    Args:
        points: `image_id, landmark, x, y`, one row per point.
        truth: The same columns, for one reader or the consensus.
        images: `image_id, pixel_size_mm` and, where known, `patient` of at least the predicted images.
        stage: Label of the rows.

    Returns:
        `image_id, patient, stage, landmark, has_truth, error_px, error_mm` for each image of `points` and landmark of `truth`,
        in the tables' order. A point with a truth and without an error was not predicted.

    Raises:
        EvaluationError: a predicted image is not in `images`, a predicted landmark is not in `truth`, or a point is infinite.
    """
    image_ids, landmarks = list(points["image_id"].unique()), list(truth["landmark"].unique())
    _refuse_strangers(image_ids, images["image_id"], "images")
    _refuse_strangers(points["landmark"].unique(), landmarks, "the annotated landmarks")
    pred, target = points_array(points, image_ids, landmarks), points_array(truth, image_ids, landmarks)
    _refuse_infinity(points)
    pixel_size = images.set_index("image_id").loc[image_ids, "pixel_size_mm"].to_numpy(np.float64)
    table = points_table(pred, image_ids, landmarks)[["image_id", "landmark"]]
    table.insert(1, "stage", stage)
    table["has_truth"] = ~np.isnan(target).any(axis=-1).ravel()
    table["error_px"] = radial_errors(pred, target, np.ones(len(image_ids))).ravel()
    table["error_mm"] = radial_errors(pred, target, pixel_size).ravel()
    return with_patients(table, images)


def with_patients(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `patient` after its `image_id`: the patients' pseudonyms, empty where unknown."""
    known = dict(zip(images["image_id"], images["patient"].fillna(""), strict=True)) if "patient" in images else {}
    table = table.copy()
    table.insert(1, "patient", table["image_id"].map(lambda image_id: known.get(image_id, "")).astype(str))
    return table


def no_errors() -> pd.DataFrame:
    """An `ErrorTable` without rows."""
    keys = dict.fromkeys(("image_id", "patient", "stage", "landmark"), str)
    return empty_table(keys | {"has_truth": bool, "error_px": float, "error_mm": float})


def stage_error_rows(predictions: pd.DataFrame, truth: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Errors of every stage of a table of predictions, in the stages' order; see `error_rows`."""
    stages = stages_in(predictions)
    if not stages:
        return no_errors()
    tables = [error_rows(predictions[predictions["stage"] == stage], truth, images, stage) for stage in stages]
    return pd.concat(tables, ignore_index=True)


def error_matrix(errors: pd.DataFrame, stage: str, unit: Unit = "mm") -> pd.DataFrame:
    """One stage's errors with images as rows and landmarks as columns, NaN where unknown.

    Raises:
        EvaluationError: the table does not contain the stage.
    """
    rows = errors[errors["stage"] == stage]
    if rows.empty:
        raise EvaluationError(f"no errors of stage {stage!r}; the table has {sorted(errors['stage'].unique())}.")
    return wide(rows, "image_id", "landmark", f"error_{unit}")


def wide(table: pd.DataFrame, row: str, column: str | list[str], value: str) -> pd.DataFrame:
    """Pivot a long table; row and column keys are in order of appearance, missing values are NaN."""
    (at_row, rows), (at_column, columns) = pd.factorize(table[row]), pd.factorize(_keys(table, column))
    values = np.full((len(rows), len(columns)), np.nan)
    values[at_row, at_column] = table[value]
    return pd.DataFrame(values, index=rows, columns=columns)


def _keys(table: pd.DataFrame, column: str | list[str]) -> pd.Index:
    return pd.Index(table[column]) if isinstance(column, str) else pd.MultiIndex.from_frame(table[column])


def _refuse_strangers(keys: Iterable[str], known: Iterable[str], where: str) -> None:
    strangers = sorted(set(keys) - set(known))
    if strangers:
        raise EvaluationError(
            f"predictions name {strangers[0]!r}{f' and {len(strangers) - 1} more' * (len(strangers) > 1)}, "
            f"unknown among {where}. Predict again with the current data set."
        )


def _refuse_infinity(points: pd.DataFrame) -> None:
    """Reject infinite points, which would make every mean infinite. Missing points are NaN and allowed."""
    infinite = points[np.isinf(points[["x", "y"]].to_numpy(np.float64)).any(axis=1)]
    if len(infinite):
        row = infinite.iloc[0]
        raise EvaluationError(
            f"{row['landmark']!r} of image {row['image_id']} is predicted at x = {row['x']}, y = {row['y']}, expected numbers "
            f"or NaN where it was not found; {len(infinite)} such points. Check the training of the network, and predict again."
        )

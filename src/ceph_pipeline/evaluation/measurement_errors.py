"""Errors of measurements from landmarks: angles in degrees, distances in millimetres, classes."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from ceph_pipeline.cephalometry import MEASUREMENTS, measure_table
from ceph_pipeline.cephalometry.classes import ValueClasses
from ceph_pipeline.evaluation.agreement import agreement, classify
from ceph_pipeline.evaluation.breakdown import bounds
from ceph_pipeline.evaluation.errors import wide, with_patients
from ceph_pipeline.evaluation.intervals import landmark_intervals
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.readers import reader_pair
from ceph_pipeline.evaluation.stages import INTER_READER
from ceph_pipeline.landmarks.tables import patients_of

KEYS = ["image_id", "measurement"]


def measured(points: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Compute all measurements of some images.

    Args:
        points: `image_id, landmark, x, y` of one reader or stage; names beyond the 29 landmarks are ignored.
        images: `image_id, pixel_size_mm` and, where known, `patient`.

    Returns:
        `image_id, patient, measurement, value` in degrees, mm or percent; NaN where a landmark or, for mm, the pixel size is
        missing.
    """
    pixel_sizes = dict(zip(images["image_id"], images["pixel_size_mm"], strict=True))
    return with_patients(measure_table(points[["image_id", "landmark", "x", "y"]], pixel_sizes), images)


def measured_stages(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, reader: str
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Measurements of each stage's points and of the truth; measurements of two readers as stage `inter_reader`."""
    on = landmarks[landmarks["image_id"].isin(images["image_id"])]
    by_reader = {reader: measured(on.iloc[:0], images)}  # the reader may have no points in these images
    by_reader |= {str(name): measured(rows, images) for name, rows in on.groupby("reader", sort=True)}
    compared = {
        str(stage): (measured(rows[rows["image_id"].isin(images["image_id"])], images), by_reader[reader])
        for stage, rows in predictions.groupby("stage", sort=False)
    }
    if pair := reader_pair(on):
        compared[INTER_READER] = (by_reader[pair[0]], by_reader[pair[1]])
    return compared


def mean_measurements(landmarks: pd.DataFrame, images: pd.DataFrame, reader: str) -> pd.Series:
    """Mean of each measurement over the true points of some images, the baseline of measurement errors."""
    truth = landmarks[(landmarks["reader"] == reader) & landmarks["image_id"].isin(images["image_id"])]
    return measured(truth, images).groupby("measurement")["value"].mean()


def measurement_error_table(compared: dict[str, tuple[pd.DataFrame, pd.DataFrame]], statistics: StatisticsParams) -> pd.DataFrame:
    """Errors of every measurement in every stage.

    Args:
        compared: From `measured_stages`.
        statistics: Resamples.

    Returns:
        `stage, measurement, unit, n, mae` (mean absolute error) `, mae_low, mae_high` (95 %, bootstrap over images)`, bias`
        (mean of predicted minus true)`, std` (of the difference)`, true_mean, true_std`. Measurements that no image allows are
        omitted.
    """
    tables = [_stage_errors(stage, found, truth, statistics) for stage, (found, truth) in compared.items()]
    return pd.concat(tables, ignore_index=True)


def _stage_errors(stage: str, found: pd.DataFrame, truth: pd.DataFrame, statistics: StatisticsParams) -> pd.DataFrame:
    both = found.merge(truth, on=KEYS, suffixes=("", "_true"))
    both["error"] = both["value"] - both["value_true"]
    both["value_true"] = both["value_true"].where(both["error"].notna())
    error, true = (wide(both, "image_id", "measurement", value) for value in ("error", "value_true"))
    error = error.loc[:, error.notna().any()]
    true = true[error.columns]
    return pd.DataFrame(
        {
            "stage": stage,
            "measurement": list(error.columns),
            "unit": [MEASUREMENTS[key].unit for key in error.columns],
            "n": error.notna().sum().to_numpy(),
            "mae": error.abs().mean().to_numpy(),
            **bounds("mae", landmark_intervals(error.abs(), patients=patients_of(found, error.index), **statistics.draws)),
            "bias": error.mean().to_numpy(),
            "std": error.std(ddof=0).to_numpy(),
            "true_mean": true.mean().to_numpy(),
            "true_std": true.std(ddof=0).to_numpy(),
        }
    )


def class_agreement(
    compared: dict[str, tuple[pd.DataFrame, pd.DataFrame]], rules: dict[str, ValueClasses], statistics: StatisticsParams
) -> dict[str, Any]:
    """Agreement of predicted and true classes of measurements, by measurement and stage.

    Args:
        compared: From `measured_stages`.
        rules: Bounds and names by measurement.
        statistics: Resamples.

    Returns:
        For each rule `names`, `bounds`, `unit` and `stages`, the fields of `Agreement` by stage. Stages in which no image has the
        measurement are omitted.
    """
    report: dict[str, Any] = {}
    for key, rule in rules.items():
        stages = {}
        for stage, (found, truth) in compared.items():
            both = found[found["measurement"] == key].merge(truth, on=KEYS, suffixes=("", "_true"))
            result = agreement(
                classify(both["value_true"], rule.bounds),
                classify(both["value"], rule.bounds),
                len(rule.names),
                patients=patients_of(found, both["image_id"]),
                **statistics.draws,
            )
            if result.n:
                stages[stage] = as_fields(result)
        report[key] = {"names": list(rule.names), "bounds": list(rule.bounds), "unit": MEASUREMENTS[key].unit, "stages": stages}
    return report


def as_fields(result: Any) -> dict[str, Any]:
    """An `Agreement` as values for a report; `x_interval` becomes `x_ci95`, `[low, high]` or None."""
    fields = asdict(result) | {"confusion": result.confusion.tolist()}
    for key in [key for key in fields if key.endswith("_interval")]:
        fields[key.removesuffix("_interval") + "_ci95"] = fields.pop(key)
    return fields

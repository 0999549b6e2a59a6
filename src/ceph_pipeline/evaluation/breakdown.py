"""Errors by landmark and by device."""

from typing import Any

import numpy as np
import pandas as pd

from ceph_pipeline.evaluation.errors import detections, error_matrix, sdr, sdr_key
from ceph_pipeline.evaluation.intervals import Interval, ends, landmark_intervals, rate_intervals
from ceph_pipeline.evaluation.metrics import has_millimetres, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.landmarks.tables import patients_of


def landmark_table(errors: pd.DataFrame, statistics: StatisticsParams) -> pd.DataFrame:
    """Errors of each landmark in each stage.

    Args:
        errors: Rows of `ErrorTable` of the evaluated images; the readers' distance and the mean-shape baseline are stages too.
        statistics: Thresholds and resamples.

    Returns:
        `stage, landmark, symbol, tissue, n, mre_mm, mre_mm_low, mre_mm_high` (over images), `std_mm, median_mm,
        mre_px, sdr_<mm>, sdr_<mm>_low, sdr_<mm>_high`.
    """
    return pd.concat([_landmarks_of(errors, stage, statistics) for stage in errors["stage"].unique()], ignore_index=True)


def _landmarks_of(errors: pd.DataFrame, stage: str, statistics: StatisticsParams) -> pd.DataFrame:
    mm, px = error_matrix(errors, stage, "mm"), error_matrix(errors, stage, "px")
    patients = patients_of(errors, mm.index)
    intervals = landmark_intervals(mm, patients=patients, **statistics.draws)
    rates = [sdr(mm[name], statistics.thresholds_mm) for name in mm.columns]
    rate_bounds: dict[str, list[float]] = {}
    for threshold in statistics.thresholds_mm:
        hits = detections(mm, threshold)
        of_landmarks = rate_intervals([hits[:, [k]] for k in range(hits.shape[1])], patients=patients)
        rate_bounds |= bounds(sdr_key(threshold), of_landmarks)
    return pd.DataFrame(
        {
            "stage": stage,
            "landmark": list(mm.columns),
            "symbol": [known_or_own(name).symbol for name in mm.columns],
            "tissue": [known_or_own(name).tissue for name in mm.columns],
            "n": px.notna().sum().to_numpy(),
            "mre_mm": mm.mean().to_numpy(),
            **bounds("mre_mm", intervals),
            "std_mm": mm.std(ddof=0).to_numpy(),
            "median_mm": mm.median().to_numpy(),
            "mre_px": px.mean().to_numpy(),
            **{sdr_key(t): [rate[t] for rate in rates] for t in statistics.thresholds_mm},
            **rate_bounds,
        }
    )


def bounds(key: str, intervals: list[Interval | None]) -> dict[str, list[float]]:
    """Columns `<key>_low` and `<key>_high`, NaN without an interval."""
    return {f"{key}_{side}": [ends(interval)[number] for interval in intervals] for number, side in enumerate(("low", "high"))}


def device_table(errors: pd.DataFrame, images: pd.DataFrame, statistics: StatisticsParams) -> pd.DataFrame:
    """One row per device and stage: `machine, pixel_size_mm` (median), `stage` and the fields of `stage_metrics`.

    Intervals become two columns, `mre_mm_low` and `mre_mm_high`. If the data set contains a wrong pixel size for a device, the
    device's errors in mm do not match its errors in px.
    """
    machine = errors["image_id"].map(images.set_index("image_id")["machine"])
    rows = []
    for name, group in errors.groupby(machine, sort=True):
        pixel_size = images.loc[images["image_id"].isin(group["image_id"]), "pixel_size_mm"].median()
        for stage in group["stage"].unique():
            fields = flat_fields(stage_metrics(group, stage, statistics))
            rows.append({"machine": name, "pixel_size_mm": pixel_size, "stage": stage} | fields)
    return pd.DataFrame(rows)


def flat_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of `stage_metrics` with `x_ci95` as `x_low` and `x_high`, NaN without an interval."""
    flat: dict[str, Any] = {}
    for key, value in fields.items():
        if key.endswith("_ci95"):
            name = key.removesuffix("_ci95")
            flat[f"{name}_low"], flat[f"{name}_high"] = value or (np.nan, np.nan)
        else:
            flat[key] = value
    return flat


def hardest_first(table: pd.DataFrame, stage: str) -> list[str]:
    """Landmarks of a landmark table, sorted by one stage's mean error, the largest first."""
    column = "mre_mm" if table["mre_mm"].notna().any() else "mre_px"
    return list(table[table["stage"] == stage].sort_values(column, ascending=False, kind="stable")["landmark"])


def image_ranking(errors: pd.DataFrame, stage: str) -> pd.Series:
    """Mean error of each image, ascending, in mm or, without pixel sizes, in px; images without a known error are omitted."""
    matrix = error_matrix(errors, stage, "mm" if has_millimetres(errors) else "px")
    return matrix.mean(axis=1).dropna().sort_values(kind="stable")

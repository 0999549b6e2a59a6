"""Metrics of a detector, from its table of errors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.errors import EvaluationError, detections, error_matrix, sdr, sdr_key
from ceph_pipeline.evaluation.intervals import Interval, improvement, mean_interval, rate_intervals
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import COMPARISONS, MEAN_SHAPE, stages_in
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import Unit, patients_of


def stage_metrics(errors: pd.DataFrame, stage: str, statistics: StatisticsParams) -> dict[str, Any]:
    """Mean radial error, its interval and spread, successful detection rates and counts of one stage.

    Args:
        errors: Rows of `ErrorTable` of the evaluated images.
        stage: Stage of the table.
        statistics: Thresholds and resamples.

    Returns:
        `mre_mm`, `mre_mm_ci95` (`[low, high]`), `std_mm`, `median_mm`, `p90_mm`, `p95_mm` (percentiles), the same in px;
        `sdr_<mm>` in percent and `sdr_<mm>_ci95`; `n_images`, `n_images_mm`, `n_patients` (an image of an unknown patient counts
        as one patient), `n_landmarks`, `n_points`, and `n_missing`, the number of true points without a prediction. Values in
        millimetres are NaN or None if no pixel size is known. An interval is None for fewer than ten images or patients, and for
        rates of 0 or 100 %.
    """
    rows = errors[errors["stage"] == stage]
    table = error_matrix(errors, stage, "px")
    patients = patients_of(rows, table.index)
    mm, px = error_matrix(errors, stage, "mm").to_numpy(), table.to_numpy()
    rates = sdr(mm, statistics.thresholds_mm)
    rate_bounds = rate_intervals([detections(mm, threshold) for threshold in rates], patients=patients)
    return {
        **_location(mm, "mm", mean_interval(mm, patients=patients, **statistics.draws)),
        **_location(px, "px", mean_interval(px, patients=patients, **statistics.draws)),
        **{sdr_key(threshold): rate for threshold, rate in rates.items()},
        **{f"{sdr_key(t)}_ci95": interval for t, interval in zip(rates, rate_bounds, strict=True)},
        **_counts(mm, px),
        "n_patients": len({patients[place] for place in np.flatnonzero((~np.isnan(px)).any(axis=1))}),
        "n_missing": int((rows["has_truth"] & rows["error_px"].isna()).sum()),
    }


def compare(errors: pd.DataFrame, new: str, old: str, statistics: StatisticsParams) -> dict[str, Any]:
    """Paired comparison of the mean errors of a new and an old stage.

    Returns:
        `improvement_percent` with `ci95`, `difference` (new mean minus old mean) with `difference_ci95`, `n_images`, and `unit`.
        Intervals are None for fewer than ten images or patients. The unit is `mm`, or `px` if an image has no pixel size, so that
        all images are included.
    """
    unit = unit_of_all(errors)
    new_errors, old_errors = error_matrix(errors, new, unit), error_matrix(errors, old, unit)
    if set(new_errors.index) != set(old_errors.index):
        raise EvaluationError(f"{new} and {old} were not predicted on the same images: predict both again.")
    old_errors = old_errors.reindex(index=new_errors.index, columns=new_errors.columns)
    return compare_tables(new_errors, old_errors, unit, patients_of(errors, new_errors.index), statistics)


def compare_tables(
    new: pd.DataFrame, old: pd.DataFrame, unit: Unit, patients: Sequence[str], statistics: StatisticsParams
) -> dict[str, Any]:
    """As `compare`, for two tables of errors with the same images as rows and the same landmarks as columns."""
    result = improvement(new, old, patients=patients, **statistics.draws)
    return {
        "improvement_percent": result.percent,
        "ci95": result.interval,
        "difference": result.difference,
        "difference_ci95": result.difference_interval,
        "n_images": result.n_images,
        "unit": unit,
    }


def has_millimetres(errors: pd.DataFrame) -> bool:
    """Whether any error is known in mm."""
    return bool(errors["error_mm"].notna().any())


def unit_of_all(errors: pd.DataFrame) -> Unit:
    """`mm` where every known error is known in mm, else `px`."""
    in_mm = errors.loc[errors["error_px"].notna(), "error_mm"].notna()
    return "mm" if len(in_mm) and in_mm.all() else "px"


def comparisons(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Paired comparisons of the stages with each other and with the mean-shape baseline, as `<new>_vs_<old>`.

    A stage without known errors is not compared.
    """
    known = set(errors.loc[errors["error_px"].notna(), "stage"])
    stages = [stage for stage in stages_in(errors) if stage in known]
    pairs = [pair for pair in COMPARISONS if set(pair) <= set(stages)]
    pairs += [(stage, MEAN_SHAPE) for stage in stages if MEAN_SHAPE in known]
    return {f"{new}_vs_{old}": compare(errors, new, old, statistics) for new, old in pairs}


def landmark_subsets(errors: pd.DataFrame) -> dict[str, list[str]]:
    """Subsets of Aariz's 29 landmarks that papers report; empty for other data sets."""
    aariz = SCHEMAS["aariz"].names
    if set(errors["landmark"]) != set(aariz):
        return {}
    return {"26": list(aariz[:26]), "19": list(SCHEMAS["isbi2015"].names)}


def _location(errors: NDArray[np.float64], unit: Unit, interval: Interval | None) -> dict[str, Any]:
    known = errors[~np.isnan(errors)]
    p50, p90, p95 = np.percentile(known, [50, 90, 95]).tolist() if known.size else [np.nan] * 3
    mean, std = (float(known.mean()), float(known.std())) if known.size else (np.nan, np.nan)
    return {
        f"mre_{unit}": mean,
        f"mre_{unit}_ci95": interval,
        f"std_{unit}": std,
        f"median_{unit}": p50,
        f"p90_{unit}": p90,
        f"p95_{unit}": p95,
    }


def _counts(mm: NDArray[np.float64], px: NDArray[np.float64]) -> dict[str, int]:
    known = ~np.isnan(px)
    return {
        "n_images": int(known.any(axis=1).sum()),
        "n_images_mm": int((~np.isnan(mm)).any(axis=1).sum()),
        "n_landmarks": int(known.any(axis=0).sum()),
        "n_points": int(known.sum()),
    }

"""The figures a detector is judged by, from its table of errors."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.bootstrap import improvement, mean_interval
from ceph_pipeline.evaluation.errors import EvaluationError, Unit, error_matrix, sdr
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import COMPARISONS, MEAN_SHAPE, stages_in
from ceph_pipeline.landmarks import SCHEMAS


def stage_metrics(errors: pd.DataFrame, stage: str, statistics: StatisticsParams) -> dict[str, Any]:
    """Mean radial error, its interval and spread, successful detection rates and counts of one stage.

    Args:
        errors: Rows of `ErrorTable` of the images that count.
        stage: Which of its stages.
        statistics: Thresholds and resamples.

    Returns:
        `mre_mm`, `mre_mm_ci95` (`[low, high]`), `std_mm`, `median_mm`, the same in px without interval, `sdr_<mm>` in
        percent, `n_images`, `n_images_mm`, `n_landmarks`, `n_points` and `n_missing`, points with a truth and without a
        prediction. What needs millimetres is NaN or None where no pixel size is known, and the interval is
        None for fewer than two images.
    """
    rows = errors[errors["stage"] == stage]
    mm, px = (error_matrix(errors, stage, unit).to_numpy() for unit in ("mm", "px"))
    interval = mean_interval(mm, n_resamples=statistics.n_resamples, seed=statistics.seed)
    return {
        **_location(mm, "mm"),
        "mre_mm_ci95": interval.as_list() if interval else None,
        **_location(px, "px"),
        **{sdr_key(threshold): rate for threshold, rate in sdr(mm, statistics.thresholds_mm).items()},
        **_counts(mm, px),
        "n_missing": int((rows["has_truth"] & rows["error_px"].isna()).sum()),
    }


def sdr_key(threshold_mm: float) -> str:
    """`sdr_2.0` for 2 mm."""
    return f"sdr_{float(threshold_mm)}"


def compare(errors: pd.DataFrame, new: str, old: str, statistics: StatisticsParams) -> dict[str, Any]:
    """By how many percent the new stage's mean error is below the old one's, images paired.

    Returns:
        `improvement_percent`, `ci95` (None for fewer than two images), `n_images`, and `unit`: `mm`, or `px` where no
        pixel size is known.
    """
    unit: Unit = "mm" if has_millimetres(errors) else "px"
    new_errors, old_errors = error_matrix(errors, new, unit), error_matrix(errors, old, unit)
    if set(new_errors.index) != set(old_errors.index):
        raise EvaluationError(f"{new} and {old} were not predicted on the same images: predict both again.")
    result = improvement(
        new_errors,
        old_errors.reindex(index=new_errors.index, columns=new_errors.columns),
        n_resamples=statistics.n_resamples,
        seed=statistics.seed,
    )
    interval = result.interval.as_list() if result.interval else None
    return {"improvement_percent": result.percent, "ci95": interval, "n_images": result.n_images, "unit": unit}


def has_millimetres(errors: pd.DataFrame) -> bool:
    """Whether any error is known in mm."""
    return bool(errors["error_mm"].notna().any())


def comparisons(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """The paired comparisons of the stages with each other and with the mean-shape guess, as `<new>_vs_<old>`."""
    stages = stages_in(errors)
    pairs = [pair for pair in COMPARISONS if set(pair) <= set(stages)]
    pairs += [(stage, MEAN_SHAPE) for stage in stages]
    return {f"{new}_vs_{old}": compare(errors, new, old, statistics) for new, old in pairs}


def landmark_subsets(errors: pd.DataFrame) -> dict[str, list[str]]:
    """The subsets of Aariz's 29 landmarks that papers report; none for other sets."""
    aariz = SCHEMAS["aariz"].names
    if set(errors["landmark"]) != set(aariz):
        return {}
    return {"26": list(aariz[:26]), "19": list(SCHEMAS["isbi2015"].names)}


def _location(errors: NDArray[np.float64], unit: Unit) -> dict[str, float]:
    known = errors[~np.isnan(errors)]
    if not known.size:
        return dict.fromkeys((f"mre_{unit}", f"std_{unit}", f"median_{unit}"), float("nan"))
    return {
        f"mre_{unit}": float(known.mean()),
        f"std_{unit}": float(known.std()),
        f"median_{unit}": float(np.median(known)),
    }


def _counts(mm: NDArray[np.float64], px: NDArray[np.float64]) -> dict[str, int]:
    known = ~np.isnan(px)
    return {
        "n_images": int(known.any(axis=1).sum()),
        "n_images_mm": int((~np.isnan(mm)).any(axis=1).sum()),
        "n_landmarks": int(known.any(axis=0).sum()),
        "n_points": int(known.sum()),
    }

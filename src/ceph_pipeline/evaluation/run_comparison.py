"""Paired comparison with an earlier MLflow run."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.display import UNSURE
from ceph_pipeline.evaluation.errors import EvaluationError, wide
from ceph_pipeline.evaluation.metrics import compare_tables
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.landmarks.tables import Unit, patients_of

SMALLER, LARGER, NOISE = "smaller", "larger", "no more than noise"


def compare_with_earlier(now: pd.DataFrame, before: pd.DataFrame, run_id: str, statistics: StatisticsParams) -> dict[str, Any]:
    """Compare each stage's errors with the errors of an earlier run, paired on common images and landmarks.

    Args:
        now: Rows of `ErrorTable` of the evaluated images.
        before: Rows of `ErrorTable` of the earlier run, for any images.
        run_id: Identifier of the earlier run.
        statistics: Resamples.

    Returns:
        `run_id`; `stages`, each with the fields of `compare`, `mre_now` and `mre_before` on the common points, and `verdict`;
        the number of common `n_images` and `n_landmarks`; `only_now` and `only_before`, landmarks of only one run; and
        `n_images_only_now`.

    Raises:
        EvaluationError: the runs have no stage, image or landmark in common.
    """
    stages = [stage for stage in stages_in(now) if stage in set(before["stage"])]
    images, landmarks = (_in_common(now, before, column) for column in ("image_id", "landmark"))
    if not (stages and images and landmarks):
        raise EvaluationError(
            f"run {run_id} and this one have {len(stages)} stages, {len(images)} images and {len(landmarks)} landmarks in "
            "common: there is nothing to compare. Set evaluation.compare_with to a run on the same data set. Runs of two data "
            "roots have images in common if both used the same pseudonym_key (globals.yml)."
        )
    compared = {stage: _compared(now, before, stage, images, landmarks, statistics) for stage in stages}
    return {
        "run_id": run_id,
        "stages": {stage: result for stage, result in compared.items() if result is not None},
        "n_images": len(images),
        "n_landmarks": len(landmarks),
        "only_now": sorted(set(now["landmark"]) - landmarks),
        "only_before": sorted(set(before["landmark"]) - landmarks),
        "n_images_only_now": now["image_id"].nunique() - len(images),
    }


def earlier_lines(result: dict[str, Any]) -> list[str]:
    """The comparison in sentences, one per stage, and the landmarks of only one run."""
    lines = []
    for stage, fields in result["stages"].items():
        bounds = fields["difference_ci95"]
        interval = f" [{bounds[0]:+.3f}, {bounds[1]:+.3f}]" if bounds else ""
        lines.append(
            f"{stage}, {fields['n_images']} images: {fields['mre_before']:.3f} → {fields['mre_now']:.3f} {fields['unit']}, "
            f"difference {fields['difference']:+.3f}{interval}: {fields['verdict']}"
        )
    common = f"both runs have {result['n_images']} images and {result['n_landmarks']} landmarks in common"
    left_out = [
        f"{which} run has {', '.join(names)}"
        for which, names in (("only this", result["only_now"]), ("only the earlier", result["only_before"]))
        if names
    ]
    return [*lines, "; ".join([common, *left_out])]


def _in_common(now: pd.DataFrame, before: pd.DataFrame, column: str) -> set[str]:
    return set(now[column]) & set(before[column])


def _compared(
    now: pd.DataFrame, before: pd.DataFrame, stage: str, images: set[str], landmarks: set[str], statistics: StatisticsParams
) -> dict[str, Any] | None:
    """One stage's comparison, or None if no point is known in both runs."""
    new, old = (
        table[(table["stage"] == stage) & table["image_id"].isin(images) & table["landmark"].isin(landmarks)]
        for table in (now, before)
    )
    keys = ["image_id", "landmark"]
    both = new.merge(old, on=keys, suffixes=("", "_before"))
    both = both.dropna(subset=["error_px", "error_px_before"])
    if both.empty:
        return None
    unit: Unit = "mm" if both[["error_mm", "error_mm_before"]].notna().all(axis=None) else "px"
    columns = (f"error_{unit}", f"error_{unit}_before")
    new_errors, old_errors = (wide(both, "image_id", "landmark", column) for column in columns)
    result = compare_tables(new_errors, old_errors, unit, patients_of(both, new_errors.index), statistics)
    mre_now, mre_before = (float(both[column].mean()) for column in columns)
    return result | {"mre_now": mre_now, "mre_before": mre_before, "verdict": _verdict(result["difference_ci95"])}


def _verdict(bounds: list[float] | None) -> str:
    if bounds is None:
        return UNSURE
    return SMALLER if bounds[1] < 0 else LARGER if bounds[0] > 0 else NOISE

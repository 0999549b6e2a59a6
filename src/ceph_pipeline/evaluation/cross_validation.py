"""Cross-validation: every training source judged by the detector that was trained without its fold."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.display import number
from ceph_pipeline.evaluation.metrics import comparisons, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.evaluation.summary import stage_comparisons


def cross_validate(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Judge the stages on errors that were made out of fold.

    Intervals are over images, as if one detector had made all of them; detectors of different folds
    share most of what they learned, so that the intervals are somewhat narrow. Each detector's epoch was chosen on the fold
    that it is judged on, which makes the errors somewhat small.

    Args:
        errors: `ErrorTable` of the training sources.
        statistics: Thresholds and resamples.

    Returns:
        `stages` with the fields of `stage_metrics`, and `comparisons` of the stages with each other.
    """
    return {
        "stages": {stage: stage_metrics(errors, stage, statistics) for stage in stages_in(errors)},
        "comparisons": comparisons(errors, statistics),
    }


def cross_validation_lines(report: dict[str, Any]) -> list[str]:
    """One sentence a stage, and one a paired comparison."""
    means = [
        f"{LABELS[stage]}: mean radial error {number(fields['mre_mm'], 3)} mm, {number(fields['mre_px'], 1)} px on "
        f"{fields['n_images']} training images, each seen by the detector trained without its fold"
        for stage, fields in report["stages"].items()
    ]
    return [*means, *stage_comparisons(report["comparisons"])]

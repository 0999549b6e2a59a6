"""Cross-validation: every training source judged by the detector that was trained without its fold."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.display import image_count, number
from ceph_pipeline.evaluation.metrics import comparisons, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.evaluation.summary import stage_comparisons


def cross_validate(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Judge the stages on errors that were made out of fold.

    Intervals are over images, those of one patient drawn together, as if one detector had made all of them; detectors of
    different folds share most of what they learned, so that the intervals are somewhat narrow. Each detector's epoch was chosen
    on the fold that it is judged on, which makes the errors somewhat small.

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
        f"{image_count(fields)} training images, each seen by the detector trained without its fold"
        for stage, fields in report["stages"].items()
    ]
    shares = [_share_line(report["shares"])] if report.get("shares") else []
    return [*means, *stage_comparisons(report["comparisons"]), *shares]


def _share_line(shares: dict[str, Any]) -> str:
    """What `suggest_shares` found, in one sentence."""
    change = 100 * (shares["mre_px_with_shares"] / shares["mre_px"] - 1)
    listed = ", ".join(f"{name}: {share:g}" for name, share in shares["stage1_share_of"].items())
    return (
        f"{LABELS[shares['stage']]} with a share of stage 1 for each landmark, learned on the other folds: {change:+.1f} %; "
        f"detector.refinement.stage1_share_of learned on all is {{{listed}}}"
    )

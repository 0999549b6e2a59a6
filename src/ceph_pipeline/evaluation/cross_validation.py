"""Cross-validation: each training source is predicted by the detector that was trained without its fold."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.display import image_count, number
from ceph_pipeline.evaluation.metrics import comparisons, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.evaluation.summary import stage_comparisons


def cross_validate(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Evaluate the stages on out-of-fold errors.

    Intervals are over images; images of one patient are resampled together. All errors are treated as errors of one detector.
    Detectors of different folds share most of their training data, so the intervals are somewhat too narrow. The best epoch of
    each detector was chosen on the fold that it is evaluated on, so the errors are somewhat too small.

    Args:
        errors: `ErrorTable` of the training sources.
        statistics: Thresholds and resamples.

    Returns:
        `stages` with the fields of `stage_metrics`, and paired `comparisons` of the stages.
    """
    return {
        "stages": {stage: stage_metrics(errors, stage, statistics) for stage in stages_in(errors)},
        "comparisons": comparisons(errors, statistics),
    }


def cross_validation_lines(report: dict[str, Any]) -> list[str]:
    """One sentence per stage, and one per paired comparison."""
    means = [
        f"{LABELS[stage]}: mean radial error {number(fields['mre_mm'], 3)} mm, {number(fields['mre_px'], 1)} px on "
        f"{image_count(fields)} training images, each predicted by the detector trained without its fold"
        for stage, fields in report["stages"].items()
    ]
    shares = [_share_line(report["shares"])] if report.get("shares") else []
    return [*means, *stage_comparisons(report["comparisons"]), *shares]


def _share_line(shares: dict[str, Any]) -> str:
    """The result of `suggest_shares`, in one sentence."""
    change = 100 * (shares["mre_px_with_shares"] / shares["mre_px"] - 1)
    listed = ", ".join(f"{name}: {share:g}" for name, share in shares["stage1_share_of"].items())
    return (
        f"{LABELS[shares['stage']]} with a weight of stage 1 for each landmark, fitted on the other folds: {change:+.1f} %; "
        f"detector.refinement.stage1_share_of fitted on all folds is {{{listed}}}"
    )

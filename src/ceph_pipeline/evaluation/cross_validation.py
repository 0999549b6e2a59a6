"""Cross-validation: every training source judged by the detector that was trained without its fold."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.metrics import comparisons, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import stages_in


def cross_validate(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Judge the stages on errors that were made out of fold.

    Intervals are those of a bootstrap over images, as if one detector had made all of them; detectors of different folds
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

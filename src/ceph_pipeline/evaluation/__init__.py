"""Evaluation: errors, their confidence intervals and comparisons, as tables and figures."""

from ceph_pipeline.evaluation.errors import EvaluationError, error_rows, radial_errors, sdr
from ceph_pipeline.evaluation.headline import evaluate
from ceph_pipeline.evaluation.intervals import improvement, landmark_intervals, mean_interval
from ceph_pipeline.evaluation.params import EvaluationParams

__all__ = [
    "EvaluationError",
    "EvaluationParams",
    "error_rows",
    "evaluate",
    "improvement",
    "landmark_intervals",
    "mean_interval",
    "radial_errors",
    "sdr",
]

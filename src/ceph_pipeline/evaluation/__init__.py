"""Evaluation: errors and what they are worth, views for test-time augmentation, tables, figures."""

from ceph_pipeline.evaluation.errors import EvaluationError, error_rows, radial_errors, sdr
from ceph_pipeline.evaluation.intervals import Improvement, Interval, improvement, landmark_intervals, mean_interval
from ceph_pipeline.evaluation.params import EvaluationParams
from ceph_pipeline.evaluation.report import evaluate
from ceph_pipeline.evaluation.tta import GRID_VIEWS, TEN_VIEWS, View, ViewGrid, fuse_views, views_of

__all__ = [
    "GRID_VIEWS",
    "TEN_VIEWS",
    "EvaluationError",
    "EvaluationParams",
    "Improvement",
    "Interval",
    "View",
    "ViewGrid",
    "error_rows",
    "evaluate",
    "fuse_views",
    "improvement",
    "landmark_intervals",
    "mean_interval",
    "radial_errors",
    "sdr",
    "views_of",
]

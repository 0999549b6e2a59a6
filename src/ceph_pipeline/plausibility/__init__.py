"""Anatomical plausibility of landmark configurations, compared with the shapes of the training landmarks."""

from ceph_pipeline.plausibility.judgement import MAX_TURN_DEG, Judgement, implausible_landmarks, judge_shapes
from ceph_pipeline.plausibility.outliers import displacements, find_swaps, learn_without_outliers
from ceph_pipeline.plausibility.params import PlausibilityParams
from ceph_pipeline.plausibility.prior import PRIOR_FILE, PlausibilityError, ShapePrior, TooFewShapesError, read_prior
from ceph_pipeline.plausibility.shapes import Deviations, ShapeDistribution
from ceph_pipeline.plausibility.tails import Tails

__all__ = [
    "MAX_TURN_DEG",
    "PRIOR_FILE",
    "Deviations",
    "Judgement",
    "PlausibilityError",
    "PlausibilityParams",
    "ShapeDistribution",
    "ShapePrior",
    "Tails",
    "TooFewShapesError",
    "displacements",
    "find_swaps",
    "implausible_landmarks",
    "judge_shapes",
    "learn_without_outliers",
    "read_prior",
]

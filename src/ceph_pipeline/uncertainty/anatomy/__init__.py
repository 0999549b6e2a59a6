"""Anatomical prior: recognises configurations that real heads do not have, and places gross outliers from the others."""

from ceph_pipeline.uncertainty.anatomy.outliers import Outliers, find_outliers, network_sd
from ceph_pipeline.uncertainty.anatomy.params import AnatomyParams
from ceph_pipeline.uncertainty.anatomy.points import Anatomy, judge_anatomy, no_heads, sigma_array
from ceph_pipeline.uncertainty.anatomy.prior import ANATOMY_FILE, AnatomicalPrior, AnatomyError, TooFewHeadsError, read_prior
from ceph_pipeline.uncertainty.anatomy.shapes import Deviations, ShapeDistribution
from ceph_pipeline.uncertainty.anatomy.tails import Tails

__all__ = [
    "ANATOMY_FILE",
    "AnatomicalPrior",
    "Anatomy",
    "AnatomyError",
    "AnatomyParams",
    "Deviations",
    "Outliers",
    "ShapeDistribution",
    "Tails",
    "TooFewHeadsError",
    "find_outliers",
    "judge_anatomy",
    "network_sd",
    "no_heads",
    "read_prior",
    "sigma_array",
]

"""Uncertainty that means something: calibrated standard deviations, radii with a known coverage, points to look at."""

from ceph_pipeline.uncertainty.calibration import SigmaCalibration, fit_sigma
from ceph_pipeline.uncertainty.conformal import conformal_factor, coverage
from ceph_pipeline.uncertainty.flags import FlagCurve, flag_curve
from ceph_pipeline.uncertainty.scores import CoverageCurve, coverage_curve, ence

__all__ = [
    "CoverageCurve",
    "FlagCurve",
    "SigmaCalibration",
    "conformal_factor",
    "coverage",
    "coverage_curve",
    "ence",
    "fit_sigma",
    "flag_curve",
]

"""Uncertainty that means something: calibrated standard deviations, radii with a known coverage, points to look at."""

from ceph_pipeline.uncertainty.assessment import assess
from ceph_pipeline.uncertainty.calibration import SigmaCalibration, fit_sigma
from ceph_pipeline.uncertainty.conformal import conformal_factor, coverage
from ceph_pipeline.uncertainty.flags import FlagCurve, flag_curve
from ceph_pipeline.uncertainty.model import Judged, StageErrors, UncertaintyModel, fit_uncertainty
from ceph_pipeline.uncertainty.params import UncertaintyParams
from ceph_pipeline.uncertainty.scores import CoverageCurve, coverage_curve, ence

__all__ = [
    "CoverageCurve",
    "FlagCurve",
    "Judged",
    "SigmaCalibration",
    "StageErrors",
    "UncertaintyModel",
    "UncertaintyParams",
    "assess",
    "conformal_factor",
    "coverage",
    "coverage_curve",
    "ence",
    "fit_sigma",
    "fit_uncertainty",
    "flag_curve",
]

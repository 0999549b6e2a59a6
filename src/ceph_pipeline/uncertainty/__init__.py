"""Calibrated standard deviations, conformal radii with a known coverage, and review flags."""

from ceph_pipeline.uncertainty.assessment import assess
from ceph_pipeline.uncertainty.calibration import SigmaCalibration, fit_sigma
from ceph_pipeline.uncertainty.conformal import conformal_factor, coverage, covered_shares, sources_needed
from ceph_pipeline.uncertainty.flags import GROSS_MM, flag_curve
from ceph_pipeline.uncertainty.model import StageErrors, TooFewSourcesError, UncertaintyError, UncertaintyModel, fit_uncertainty
from ceph_pipeline.uncertainty.params import UncertaintyParams
from ceph_pipeline.uncertainty.points import judge_points
from ceph_pipeline.uncertainty.scores import Bins, coverage_curve, ence, reliability_bins
from ceph_pipeline.uncertainty.stage import UNCERTAINTY_FILE, UNITS, StageUncertainty, read_uncertainty

__all__ = [
    "GROSS_MM",
    "UNCERTAINTY_FILE",
    "UNITS",
    "Bins",
    "SigmaCalibration",
    "StageErrors",
    "StageUncertainty",
    "TooFewSourcesError",
    "UncertaintyError",
    "UncertaintyModel",
    "UncertaintyParams",
    "assess",
    "conformal_factor",
    "coverage",
    "coverage_curve",
    "covered_shares",
    "ence",
    "fit_sigma",
    "fit_uncertainty",
    "flag_curve",
    "judge_points",
    "read_uncertainty",
    "reliability_bins",
    "sources_needed",
]

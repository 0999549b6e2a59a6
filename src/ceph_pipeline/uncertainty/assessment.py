"""Evaluate uncertainty, calibrated on held-out sources, on the test split."""

import math
from typing import Any

import numpy as np

from ceph_pipeline.uncertainty.conformal import coverage
from ceph_pipeline.uncertainty.flags import GROSS_MM, flag_curve
from ceph_pipeline.uncertainty.model import StageErrors, TooFewSourcesError, UncertaintyModel
from ceph_pipeline.uncertainty.scores import coverage_curve, ence


def assess(model: UncertaintyModel, test: StageErrors) -> dict[str, Any]:
    """Compare predicted and actual errors on sources that were not used for the calibration.

    Args:
        model: Uncertainty model of the same stage and landmarks.
        test: Errors on the test split, in the model's unit.

    Returns:
        `n_sources`; `ence_before`, `ence_after`, `miscalibration_before`, `miscalibration_after` of the standard
        deviations; `coverage` of the radii at the model's level and their `median_radius`, NaN where radii are infinite;
        `flagged_percent` of the points and, where the unit is mm, `caught_percent` of the `n_gross` errors above 4 mm among
        them, and `caught_by_share`, the percentage caught by flagging 2, 5, 10 or 20 percent of the points.

    Raises:
        TooFewSourcesError: no error of a test source is known.
    """
    judged = model.judge(test.sigma)
    known = np.isfinite(test.errors)
    if not known.any():
        raise TooFewSourcesError("no test source has truth and prediction: the uncertainty cannot be evaluated.")
    report: dict[str, Any] = {
        "n_sources": int(known.any(axis=1).sum()),
        "ence_before": ence(test.errors, test.sigma),
        "ence_after": ence(test.errors, judged.sigma),
        "miscalibration_before": coverage_curve(test.errors, test.sigma).miscalibration,
        "miscalibration_after": coverage_curve(test.errors, judged.sigma).miscalibration,
        "coverage": coverage(test.errors, judged.radius) if model.bounded else math.nan,
        "median_radius": float(np.nanmedian(np.where(known, judged.radius, np.nan))) if model.bounded else math.nan,
        "flagged_percent": 100 * float(judged.flagged[known].mean()),
    }
    if model.unit == "mm":
        gross = known & (test.errors > GROSS_MM)
        caught = 100 * float(judged.flagged[gross].mean()) if gross.any() else float("nan")
        report |= {"n_gross": int(gross.sum()), "caught_percent": caught}
        curve = flag_curve(test.errors, judged.sigma)
        report["caught_by_share"] = {str(share): 100 * curve.caught_at(share / 100) for share in (2, 5, 10, 20)}
    return report

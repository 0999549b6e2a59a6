"""Sentences and tables on uncertainty in the report."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.display import UNKNOWN, number, with_interval
from ceph_pipeline.evaluation.stages import LABELS
from ceph_pipeline.uncertainty import GROSS_MM

NOT_LEARNED = (
    "No uncertainty was calibrated: evaluation.uncertainty is null, or held-out sources of fewer than two patients have truth."
)
RELIABILITY_NOTE = (
    "Standard deviations are calibrated on held-out sources and evaluated on test sources. ENCE: mean relative difference of "
    "predicted and observed standard deviations; miscalibration: mean difference of nominal and actual shares of errors. Both "
    "are 0 for a perfect calibration."
)
NO_TEST = "No test source has truth and prediction: the calibration could not be evaluated."
FLAG_SHARES = ("5", "10", "20")


def reliability_lines(uncertainty: dict[str, Any]) -> list[str]:
    """Numbers of sources for the calibration of the last stage's standard deviations and for its evaluation."""
    if not uncertainty["stages"]:
        return [NO_TEST if uncertainty["learned"] else NOT_LEARNED]
    *_, (_, _, last) = _first_units(uncertainty)
    learned = f"{last['n_sigma_sources']} held-out sources of different patients"
    lines = [RELIABILITY_NOTE, f"Calibrated on {learned}, evaluated on {last['n_sources']} test sources."]
    if left_out := uncertainty["n_left_out"]:
        lines.append(f"{left_out} test sources with a near-duplicate in training or validation are excluded from the evaluation.")
    return lines


def reliability_frame(uncertainty: dict[str, Any]) -> pd.DataFrame:
    """ENCE and miscalibration before and after calibration."""
    columns = {
        "ENCE before": "ence_before",
        "ENCE after": "ence_after",
        "miscalibration before": "miscalibration_before",
        "miscalibration after": "miscalibration_after",
    }
    return pd.DataFrame(
        [
            {"stage": LABELS[stage], "checked on": str(fields["n_sources"])}
            | {title: number(fields[name], 3) for title, name in columns.items()}
            for stage, _, fields in _first_units(uncertainty)
        ]
    )


def radius_lines(uncertainty: dict[str, Any]) -> list[str]:
    """Meaning of radii and flags, and numbers of sources for fitting and evaluating those of the last stage."""
    if not uncertainty["stages"]:
        return []
    *_, (_, _, last) = _first_units(uncertainty)
    level, number_of = f"{100 * last['level']:g} %", last["n_radius_sources"]
    sources = f"{number_of} held-out sources of different patients"
    if last["factor"] is None:
        radii = (
            f"No radii: there were {sources}, and a level of {level} needs at least {last['n_sources_needed']}, in addition to "
            "the sources for the calibration of standard deviations (evaluation.uncertainty)."
        )
    else:
        radii = (
            f"The true point of a new image lies within its radius with a probability of {level}. The radii were fitted on "
            f"{sources}, and evaluated on {last['n_sources']} test sources, all with the same weight. None of these sources was "
            "used for the calibration of standard deviations."
        )
    flags = (
        f"Flagged points are those whose calibrated standard deviation is above a threshold set on the same {number_of} sources; "
        f"a gross error is one above {GROSS_MM:g} mm."
    )
    return [radii, flags]


def radius_frame(uncertainty: dict[str, Any]) -> pd.DataFrame:
    """Coverage and size of the radii, and gross errors found by flags."""
    rows = []
    for stage, unit, fields in _first_units(uncertainty):
        percent = None if fields["factor"] is None else 100 * fields["coverage"]
        bounds = [100 * bound for bound in fields["coverage_ci95"]] if fields["coverage_ci95"] else None
        radius = UNKNOWN if fields["factor"] is None else f"{number(fields['median_radius'])} {unit}"
        shares = fields.get("caught_by_share", {})
        rows.append(
            {
                "stage": LABELS[stage],
                "coverage %": with_interval(percent, bounds, 1),
                "median radius": radius,
                "flagged %": number(fields["flagged_percent"], 1),
                "gross errors": str(fields.get("n_gross", UNKNOWN)),
                "caught %": number(fields.get("caught_percent"), 0),
                **{f"caught at {share} %": number(shares.get(share), 0) for share in FLAG_SHARES},
            }
        )
    return pd.DataFrame(rows)


def scalar_metrics(uncertainty: dict[str, Any]) -> dict[str, float]:
    """Metrics for comparing runs, by dotted names such as `stage2.uncertainty.coverage`."""
    names = ("ence_before", "ence_after", "coverage", "median_radius", "flagged_percent", "caught_percent")
    return {
        f"{stage}.uncertainty.{name}": fields[name]
        for stage, _, fields in _first_units(uncertainty)
        for name in names
        if name in fields
    }


def _first_units(uncertainty: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each stage with its first unit: mm if available."""
    for stage, by_unit in uncertainty["stages"].items():
        unit, fields = next(iter(by_unit.items()))
        yield stage, unit, fields

"""Whether standard deviations are those of the errors, as the networks say them and calibrated."""

from collections.abc import Iterable

import pandas as pd

from ceph_pipeline.evaluation.uncertainty import Checked
from ceph_pipeline.uncertainty import Bins, reliability_bins


def reliability_table(checked: Iterable[Checked]) -> pd.DataFrame:
    """Said against observed standard deviation, in bins of equally many points, of each stage in its first unit.

    Returns:
        `stage, unit, calibrated, bin, n, sigma` (root mean square of the bin's standard deviations) `, observed`: the errors'
        standard deviation along one axis, the root of half their mean square.

    Source: Levi et al., Evaluating and calibrating uncertainty prediction in regression tasks, 2019.
    """
    first = {stage.stage: stage for stage in reversed(list(checked))}
    rows = []
    for stage, unit, seen, model in reversed(first.values()):
        said = {False: seen.sigma} | ({} if model is None else {True: model.calibration(seen.sigma)})
        for calibrated, sigma in said.items():
            bins = reliability_bins(seen.errors, sigma)
            rows += [(stage, unit, calibrated, number, *values) for number, values in enumerate(zip(*bins, strict=True))]
    return pd.DataFrame(rows, columns=["stage", "unit", "calibrated", "bin", "n", "sigma", "observed"])


def calibration_error(rows: pd.DataFrame) -> float:
    """Expected normalised calibration error of one stage's bins."""
    return Bins(*(rows[name].to_numpy() for name in ("n", "sigma", "observed"))).ence

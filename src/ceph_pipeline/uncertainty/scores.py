"""Measures of the agreement between predicted standard deviations and errors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class CoverageCurve(NamedTuple):
    """Nominal and actual coverage.

    Attributes:
        nominal: `(P,)` in (0, 1).
        actual: `(P,)`, share of the errors within the radius that a Rayleigh distribution predicts for each nominal share.
    """

    nominal: NDArray[np.float64]
    actual: NDArray[np.float64]

    @property
    def miscalibration(self) -> float:
        """Mean absolute difference of nominal and actual shares, 0 for perfect standard deviations."""
        return float(np.abs(self.actual - self.nominal).mean())


def coverage_curve(errors: NDArray[np.float64], sigma: NDArray[np.float64], n_shares: int = 19) -> CoverageCurve:
    """Compare the radii predicted from standard deviations with the errors.

    Args:
        errors: Radial errors, any shape; NaN where unknown.
        sigma: Standard deviations along one axis, same shape and unit.
        n_shares: Number of nominal shares, evenly spaced between 0 and 1.
    """
    known = np.isfinite(errors) & np.isfinite(sigma)
    nominal = np.arange(1, n_shares + 1) / (n_shares + 1)
    radii = np.sqrt(-2 * np.log1p(-nominal))[:, None] * sigma[known]
    return CoverageCurve(nominal, (errors[known] <= radii).mean(axis=1))


class Bins(NamedTuple):
    """Points in bins of about equal size, ordered by their standard deviation.

    Attributes:
        n: `(B,)` number of points.
        predicted: `(B,)` root mean square of the predicted standard deviations.
        observed: `(B,)` standard deviation of the errors along one axis, the root of half their mean square.
    """

    n: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]

    @property
    def ence(self) -> float:
        """Expected normalised calibration error: mean of |observed − predicted| / predicted over the bins.

        0 is perfect calibration; NaN without a standard deviation above 0.
        """
        some = self.predicted > 0
        return float((np.abs(self.observed - self.predicted)[some] / self.predicted[some]).mean()) if some.any() else float("nan")


def reliability_bins(errors: NDArray[np.float64], sigma: NDArray[np.float64], n_bins: int = 10) -> Bins:
    """Compare predicted standard deviations with the standard deviation of the errors, in bins.

    Args:
        errors: Radial errors, any shape; NaN where unknown.
        sigma: Standard deviations along one axis, same shape and unit.
        n_bins: Number of bins; fewer if there are fewer points.

    Source: Levi et al., Evaluating and calibrating uncertainty prediction in regression tasks, 2019.
    """
    known = np.isfinite(errors) & np.isfinite(sigma)
    order = np.argsort(sigma[known], kind="stable")
    bins = np.array_split(order, min(n_bins, len(order))) if len(order) else []
    return Bins(
        np.array([len(rows) for rows in bins], dtype=np.int64),
        np.array([np.sqrt((sigma[known][rows] ** 2).mean()) for rows in bins], dtype=np.float64),
        np.array([np.sqrt((errors[known][rows] ** 2).mean() / 2) for rows in bins], dtype=np.float64),
    )


def ence(errors: NDArray[np.float64], sigma: NDArray[np.float64], n_bins: int = 10) -> float:
    """Expected normalised calibration error of standard deviations; see `Bins.ence` and `reliability_bins`."""
    return reliability_bins(errors, sigma, n_bins).ence

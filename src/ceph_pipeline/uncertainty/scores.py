"""How well predicted standard deviations agree with the errors."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class CoverageCurve(NamedTuple):
    """Nominal against actual shares.

    Attributes:
        nominal: `(P,)` in (0, 1).
        actual: `(P,)`, share of the errors within the radius that a Rayleigh distribution gives each nominal share.
    """

    nominal: NDArray[np.float64]
    actual: NDArray[np.float64]

    @property
    def miscalibration(self) -> float:
        """Mean absolute difference of the two, 0 for perfect standard deviations."""
        return float(np.abs(self.actual - self.nominal).mean())


def coverage_curve(errors: NDArray[np.float64], sigma: NDArray[np.float64], n_shares: int = 19) -> CoverageCurve:
    """Compare the radii that standard deviations promise with the errors.

    Args:
        errors: Radial errors, any shape; NaN where unknown.
        sigma: Standard deviations along one axis, same shape and unit.
        n_shares: Nominal shares, evenly between 0 and 1.
    """
    known = np.isfinite(errors) & np.isfinite(sigma)
    nominal = np.arange(1, n_shares + 1) / (n_shares + 1)
    radii = np.sqrt(-2 * np.log1p(-nominal))[:, None] * sigma[known]
    return CoverageCurve(nominal, (errors[known] <= radii).mean(axis=1))


def ence(errors: NDArray[np.float64], sigma: NDArray[np.float64], n_bins: int = 10) -> float:
    """Expected normalised calibration error: mean over bins of |root mean variance − root mean squared error| / the former.

    Bins hold equally many points, ordered by their standard deviation; an error's square is halved, for two axes.

    Args:
        errors: Radial errors, any shape; NaN where unknown.
        sigma: Standard deviations along one axis, same shape and unit.
        n_bins: Fewer where there are fewer points.

    Source: Levi et al., Evaluating and calibrating uncertainty prediction in regression tasks, 2019.
    """
    known = np.isfinite(errors) & np.isfinite(sigma)
    if not known.any():
        return float("nan")
    order = np.argsort(sigma[known], kind="stable")
    bins = np.array_split(order, min(n_bins, len(order)))
    said = np.array([np.sqrt((sigma[known][rows] ** 2).mean()) for rows in bins])
    made = np.array([np.sqrt((errors[known][rows] ** 2).mean() / 2) for rows in bins])
    return float((np.abs(said - made) / np.maximum(said, 1e-12)).mean())

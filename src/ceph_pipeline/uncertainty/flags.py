"""Review flags: points that a person should check."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GROSS_MM = 4.0
"""Gross errors, which a review should find, are larger than this: the largest threshold of the detection rates."""


class FlagCurve(NamedTuple):
    """Share of gross errors among the least certain points.

    Attributes:
        flagged: `(P,)` share of all points, rising from 0 to 1.
        caught: `(P,)` share of the gross errors that are flagged.
        n_gross: Number of gross errors.
    """

    flagged: NDArray[np.float64]
    caught: NDArray[np.float64]
    n_gross: int

    def caught_at(self, share: float) -> float:
        """Share of the gross errors that lie in the `share` least certain points; NaN without gross errors."""
        if not self.n_gross:
            return float("nan")
        return float(np.interp(share, self.flagged, self.caught))


def flag_curve(errors: NDArray[np.float64], sigma: NDArray[np.float64]) -> FlagCurve:
    """The trade-off between the share of flagged points and the share of gross errors found.

    Args:
        errors: Radial errors, any shape; NaN where unknown.
        sigma: Calibrated standard deviations, same shape and unit.
    """
    known = np.isfinite(errors) & np.isfinite(sigma)
    order = np.argsort(-sigma[known], kind="stable")
    is_gross = errors[known][order] > GROSS_MM
    n, n_gross = len(order), int(is_gross.sum())
    caught = np.concatenate([[0.0], np.cumsum(is_gross) / max(n_gross, 1)])
    return FlagCurve(np.arange(n + 1) / max(n, 1), caught, n_gross)

"""Which points a person should look at."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GROSS_MM = 4.0
"""Errors above this are what looking again is for: the widest of the detection rates' thresholds."""


class FlagCurve(NamedTuple):
    """What flagging the least certain points catches.

    Attributes:
        flagged: `(P,)` share of all points, rising from 0 to 1.
        caught: `(P,)` share of the gross errors among them.
        n_gross: Number of gross errors.
    """

    flagged: NDArray[np.float64]
    caught: NDArray[np.float64]
    n_gross: int

    def caught_at(self, share: float) -> float:
        """Share of the gross errors among the `share` least certain points; NaN where there is no gross error."""
        if not self.n_gross:
            return float("nan")
        return float(np.interp(share, self.flagged, self.caught))


def flag_curve(errors: NDArray[np.float64], sigma: NDArray[np.float64]) -> FlagCurve:
    """The trade-off between points looked at and gross errors caught.

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

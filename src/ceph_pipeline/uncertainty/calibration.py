"""Calibrate predicted standard deviations with the errors on held-out images.

A point's error is modelled as normal with the same standard deviation s along both axes, so that the radial error follows a
Rayleigh distribution. The calibrated value is

    s_k = f_k · sqrt(floor² + (gain · σ)²)

with the predicted standard deviation σ. `floor` and `gain` are fitted for all landmarks together by maximum likelihood. Each
landmark has a factor f_k, shrunk towards 1 as by `PRIOR_POINTS` additional images.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import InvalidValueError

PRIOR_POINTS = 20
"""Strength of the shrinkage: with this many known errors, a landmark's own estimate and 1 have equal weights."""

SMALLEST_SHARE = 1e-3
"""Lower bound of the floor and of calibrated values, as a fraction of the errors' root mean square."""


@dataclass(frozen=True)
class SigmaCalibration:
    """Converts predicted to calibrated standard deviations, in the unit of the errors that it was fitted on.

    Attributes:
        floor: Calibrated value for a predicted standard deviation of 0, before the landmark's factor, ≥ 0.
        gain: Factor on the predicted standard deviation, ≥ 0.
        factors: `(K,)`, factor of each landmark.
    """

    floor: float
    gain: float
    factors: NDArray[np.float64]

    def __call__(self, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrate `(N, K)` standard deviations along one axis; NaN stays NaN."""
        return np.asarray(self.factors * np.sqrt(self.floor**2 + (self.gain * sigma) ** 2))


def fit_sigma(errors: NDArray[np.float64], sigma: NDArray[np.float64]) -> SigmaCalibration:
    """Fit the calibration on images that the network was not trained on.

    Args:
        errors: `(N, K)` radial errors; NaN where there is no truth.
        sigma: `(N, K)` predicted standard deviations along one axis, same unit.

    Raises:
        ValueError: the shapes differ, or no point has both an error and a standard deviation.
    """
    if errors.shape != sigma.shape or errors.ndim != 2:
        raise InvalidValueError(f"errors {errors.shape} and standard deviations {sigma.shape} must have the same shape (N, K).")
    known = np.isfinite(errors) & np.isfinite(sigma)
    if not known.any():
        raise InvalidValueError(
            "no point has both an error and a standard deviation: the uncertainty cannot be calibrated without images."
        )
    half_squares, predicted = errors[known] ** 2 / 2, sigma[known]
    floor, gain = _fit_common(half_squares, predicted)
    common = floor**2 + (gain * np.where(known, sigma, 0.0)) ** 2
    ratios = np.where(known, errors**2 / 2 / common, 0.0)
    factors = np.sqrt((ratios.sum(axis=0) + PRIOR_POINTS) / (known.sum(axis=0) + PRIOR_POINTS))
    return SigmaCalibration(floor, gain, factors)


def _fit_common(half_squares: NDArray[np.float64], predicted: NDArray[np.float64]) -> tuple[float, float]:
    """Floor and gain by maximum likelihood."""
    from scipy.optimize import minimize  # imported here to keep the registration of pipelines fast

    typical = float(np.sqrt(half_squares.mean())) or 1.0
    smallest = np.log(SMALLEST_SHARE * typical)
    scale = float(np.sqrt((predicted**2).mean())) or 1.0

    def cost(logs: NDArray[np.float64]) -> float:
        variance = np.exp(2 * logs[0]) + np.exp(2 * logs[1]) * predicted**2
        return float((np.log(variance) + half_squares / variance).mean())

    start = np.log([typical / 2, typical / 2 / scale])
    found = minimize(cost, start, method="L-BFGS-B", bounds=[(smallest, None), (smallest - np.log(scale), None)])
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))

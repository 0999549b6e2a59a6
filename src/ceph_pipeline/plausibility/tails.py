"""Tail probabilities of shape deviations, estimated on held-out training images.

The 2k coordinates of k landmarks have p = 2k − 4 degrees of freedom, because the pose takes four. Squared Mahalanobis distances
would follow a χ² distribution if shapes were normal and their distribution were known; neither holds. Distances of held-out
shapes, divided by p and a scale s, follow an F distribution with p and ν degrees of freedom (a multivariate t), which has a
heavier tail. s and ν are fitted to real shapes by maximum likelihood, so that unusual but real anatomy is not implausible.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.plausibility.shapes import POSE_FREEDOM, Deviations

_LEAST_FREEDOM = 2.5
"""Lower bound of ν, for which the standard deviation is finite."""

_FREEDOM_PER_PATIENT = 0.5
"""ν is at most this times the number of patients, because few faces do not show that a tail is light. With this limit and at
least 25 training shapes, unseen phantoms are classified as implausible at most at the nominal rate."""


@dataclass(frozen=True)
class Tails:
    """Tails of the distances of real shapes.

    Attributes:
        whole_scale: s of whole configurations.
        whole_freedom: ν of whole configurations.
        scales: `(K,)`, s of each landmark given the others.
        freedom: ν of the landmarks, the same for all.
    """

    whole_scale: float
    whole_freedom: float
    scales: NDArray[np.float64]
    freedom: float

    @classmethod
    def fit(cls, unseen: Deviations, n_patients: int) -> "Tails":
        """Fit to deviations of real shapes of a number of patients, each from a distribution without the shape's patient."""
        from scipy import stats  # imported here to keep the registration of pipelines fast

        dimensions = 2 * unseen.points.shape[1] - POSE_FREEDOM
        (whole_scale,), whole_freedom = _most_likely(
            lambda scaled, freedom: stats.f.logpdf(scaled / dimensions, dimensions, freedom),
            unseen.whole[:, None],
            _FREEDOM_PER_PATIENT * n_patients,
        )
        # The F distribution with two degrees of freedom, without its constant
        scales, freedom = _most_likely(
            lambda scaled, freedom: -(freedom / 2 + 1) * np.log1p(scaled / freedom),
            unseen.points,
            _FREEDOM_PER_PATIENT * n_patients,
        )
        return cls(float(whole_scale), whole_freedom, scales, freedom)

    def rarity(self, found: Deviations) -> Deviations:
        """Share of real shapes with a larger deviation, in total and for each landmark; NaN stays NaN."""
        from scipy import stats

        dimensions = np.maximum(2 * np.isfinite(found.points).sum(axis=1) - POSE_FREEDOM, 1)
        whole = stats.f.sf(found.whole / (dimensions * self.whole_scale), dimensions, self.whole_freedom)
        return Deviations(np.asarray(whole), (1 + found.points / (self.scales * self.freedom)) ** (-self.freedom / 2))


def _most_likely(
    log_density: Callable[[NDArray[np.float64], float], NDArray[np.float64]],
    distances: NDArray[np.float64],
    most_freedom: float,
) -> tuple[NDArray[np.float64], float]:
    """Maximum-likelihood scales `(K,)` and common ν of the columns of `(N, K)` distances; NaN is ignored."""
    from scipy.optimize import minimize

    known = np.isfinite(distances)
    filled = np.where(known, distances, 1.0)

    def cost(logs: NDArray[np.float64]) -> float:
        scales, freedom = np.exp(logs[:-1]), float(np.exp(logs[-1]))
        return -float(np.where(known, log_density(filled / scales, freedom) - logs[:-1], 0).sum() / known.sum())

    start = np.append(np.log(np.nanmedian(distances, axis=0) / np.nanmedian(distances)), np.log(_LEAST_FREEDOM * 2))
    bounds = [*[(None, None)] * distances.shape[1], (np.log(_LEAST_FREEDOM), np.log(most_freedom))]
    found = minimize(cost, start, method="L-BFGS-B", bounds=bounds)
    return np.exp(found.x[:-1]), float(np.exp(found.x[-1]))

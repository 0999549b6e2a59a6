"""Tail probabilities of shape deviations, estimated on held-out training images.

Squared Mahalanobis distances of k landmarks, whose 2k coordinates lose four to the pose and leave p, would follow χ² if shapes
were normal and the distribution were known. They are neither: distances of shapes that a distribution was not fitted on, over
p and a scale s, follow an F distribution with p and ν degrees of freedom (a multivariate t), heavier in the tail. s and ν come
from real shapes by maximum likelihood, so that unusual anatomy counts as what it is: unusual, and real.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.plausibility.shapes import POSE_FREEDOM, Deviations

_LEAST_FREEDOM = 2.5
"""Of ν, so that the standard deviation is finite."""

_FREEDOM_PER_SHAPE = 0.5
"""ν is at most this times the number of shapes: few shapes cannot show that a tail is thin. With it, phantoms never seen are
called implausible as seldom as promised from 25 training shapes on."""


@dataclass(frozen=True)
class Tails:
    """Tails of the distances of real shapes.

    Attributes:
        whole_scale: s of whole configurations.
        whole_freedom: ν of them.
        scales: `(K,)`, s of each landmark given the others.
        freedom: ν of those, one for all.
    """

    whole_scale: float
    whole_freedom: float
    scales: NDArray[np.float64]
    freedom: float

    @classmethod
    def fit(cls, unseen: Deviations) -> "Tails":
        """Learn from deviations of real shapes, each judged by a distribution that it was not fitted on."""
        from scipy import stats  # loaded where it is needed: registering pipelines stays cheap

        dimensions = 2 * unseen.points.shape[1] - POSE_FREEDOM
        (whole_scale,), whole_freedom = _most_likely(
            lambda scaled, freedom: stats.f.logpdf(scaled / dimensions, dimensions, freedom), unseen.whole[:, None]
        )
        # The F distribution with two degrees of freedom, without its constant
        scales, freedom = _most_likely(lambda scaled, freedom: -(freedom / 2 + 1) * np.log1p(scaled / freedom), unseen.points)
        return cls(float(whole_scale), whole_freedom, scales, freedom)

    def rarity(self, found: Deviations) -> Deviations:
        """Share of real shapes, and for a landmark of real points of its kind, that deviate more; NaN stays NaN."""
        from scipy import stats

        dimensions = np.maximum(2 * np.isfinite(found.points).sum(axis=1) - POSE_FREEDOM, 1)
        whole = stats.f.sf(found.whole / (dimensions * self.whole_scale), dimensions, self.whole_freedom)
        return Deviations(np.asarray(whole), (1 + found.points / (self.scales * self.freedom)) ** (-self.freedom / 2))


def _most_likely(
    log_density: Callable[[NDArray[np.float64], float], NDArray[np.float64]], distances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Scales `(K,)` and the common ν that make the columns of `(N, K)` distances most likely; NaN counts for nothing."""
    from scipy.optimize import minimize

    known = np.isfinite(distances)
    filled = np.where(known, distances, 1.0)

    def cost(logs: NDArray[np.float64]) -> float:
        scales, freedom = np.exp(logs[:-1]), float(np.exp(logs[-1]))
        return -float(np.where(known, log_density(filled / scales, freedom) - logs[:-1], 0).sum() / known.sum())

    start = np.append(np.log(np.nanmedian(distances, axis=0) / np.nanmedian(distances)), np.log(_LEAST_FREEDOM * 2))
    most_freedom = _FREEDOM_PER_SHAPE * len(distances)
    bounds = [*[(None, None)] * distances.shape[1], (np.log(_LEAST_FREEDOM), np.log(most_freedom))]
    found = minimize(cost, start, method="L-BFGS-B", bounds=bounds)
    return np.exp(found.x[:-1]), float(np.exp(found.x[-1]))

"""Normal distribution of aligned landmark configurations, and deviations of a configuration from this distribution."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.plausibility.alignment import Similarities, align, unit_shape, upright

_PROCRUSTES_ROUNDS = 5

MIN_POINTS = 4
"""Minimum number of known landmarks for an assessment: two landmarks are already needed for the alignment."""

POSE_FREEDOM = 4
"""Degrees of freedom of the pose: position, size and rotation."""

_POSE_SD = 0.1
"""Standard deviation of an alignment from some of the landmarks, in radii of the mean shape and radians; larger than on real
faces. With a much larger value, random points would be accepted as a small face."""


class Deviations(NamedTuple):
    """Deviations of N shapes from the distribution.

    Attributes:
        whole: `(N,)` squared Mahalanobis distance of the configuration.
        points: `(N, K)` squared Mahalanobis distance of each landmark from its expected position given the other landmarks.
    """

    whole: NDArray[np.float64]
    points: NDArray[np.float64]


@dataclass(frozen=True)
class ShapeDistribution:
    """Normal distribution of aligned shapes of K landmarks, in units of the mean shape's root-mean-square radius.

    Attributes:
        mean: `(K, 2)`, centred, with the average rotation of the shapes.
        covariance: `(2K, 2K)`, in the order x₁, y₁, x₂, …
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @classmethod
    def fit(cls, shapes: NDArray[np.float64]) -> "ShapeDistribution":
        """Fit the distribution to complete shapes `(N, K, 2)` in px, of any size, rotation and reflection.

        Source: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices, 2004.
        """
        from sklearn.covariance import ledoit_wolf  # slow to import, and needed only for fitting a prior

        mean = unit_shape(shapes[0])
        for _ in range(_PROCRUSTES_ROUNDS):
            mean = unit_shape(align(shapes, mean)(shapes).mean(axis=0))
        mean = upright(mean, align(shapes, mean))
        offsets = align(shapes, mean)(shapes) - mean
        covariance, _ = ledoit_wolf(offsets.reshape(len(shapes), -1), assume_centered=True)
        return cls(mean, np.asarray(covariance, dtype=np.float64))

    def align(self, shapes: NDArray[np.float64]) -> Similarities:
        """Similarities from shapes `(N, K, 2)` to the distribution's frame."""
        return align(shapes, self.mean)

    def deviations(self, shapes: NDArray[np.float64]) -> Deviations:
        """Deviations of shapes `(N, K, 2)` in px; NaN for missing landmarks, and for shapes of fewer than `MIN_POINTS`."""
        offsets = self.align(shapes)(shapes) - self.mean
        known = np.isfinite(offsets).all(axis=-1)
        whole, points = np.full(len(shapes), np.nan), np.full(known.shape, np.nan)
        patterns, pattern_of = np.unique(known, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            seen, rows = np.flatnonzero(pattern), np.flatnonzero(pattern_of.ravel() == number)
            if len(seen) >= MIN_POINTS:
                whole[rows], points[np.ix_(rows, seen)] = self._judge(offsets[np.ix_(rows, seen)], seen)
        return Deviations(whole, points)

    def completed(self, shapes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shapes `(N, K, 2)` in px, missing landmarks replaced with their conditional mean; NaN for fewer than `MIN_POINTS`."""
        similarities = self.align(shapes)
        offsets = similarities(shapes) - self.mean
        known = np.asarray(np.isfinite(offsets).all(axis=-1))
        for row in np.flatnonzero(~known.all(axis=1) & (known.sum(axis=1) >= MIN_POINTS)):
            seen, missing = coordinates(np.flatnonzero(known[row])), coordinates(np.flatnonzero(~known[row]))
            regression = np.linalg.solve(self._posed[np.ix_(seen, seen)], self._posed[np.ix_(seen, missing)])
            offsets[row, ~known[row]] = (offsets[row, known[row]].ravel() @ regression).reshape(-1, 2)
        return np.where(known[..., None], shapes, similarities.inverse(offsets + self.mean))

    @cached_property
    def _posed(self) -> NDArray[np.float64]:
        """The covariance plus the variance of the pose, because an alignment by some landmarks differs from one by all."""
        points = self.mean[:, 0] + 1j * self.mean[:, 1]
        shifted = np.ones_like(points)
        poses = np.stack([shifted, 1j * shifted, points, 1j * points]).view(np.float64)
        posed: NDArray[np.float64] = self.covariance + _POSE_SD**2 * poses.T @ poses
        return posed

    def _judge(self, offsets: NDArray[np.float64], seen: NDArray[np.intp]) -> Deviations:
        """Deviations of offsets `(M, k, 2)` of the known landmarks; a landmark's block of the precision matrix is conditional."""
        k, rows = len(seen), coordinates(seen)
        precision = np.linalg.inv(self._posed[np.ix_(rows, rows)])
        flat = offsets.reshape(-1, 2 * k)
        pull = flat @ precision
        blocks = np.linalg.inv(precision.reshape(k, 2, k, 2)[np.arange(k), :, np.arange(k)])
        of_point = pull.reshape(-1, k, 2)
        return Deviations((pull * flat).sum(axis=1), np.einsum("nki,kij,nkj->nk", of_point, blocks, of_point))


def coordinates(landmarks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows of the covariance for the given landmarks."""
    return (2 * landmarks[:, None] + np.arange(2)).ravel()

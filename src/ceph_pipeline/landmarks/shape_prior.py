"""What heads look like: recognises landmarks that cannot be where they are, and places them from the others.

Training shapes are aligned by similarity, mirrored where the face looks the other way; their coordinates are taken as one
normal distribution. Given all other landmarks of a head, each one then has an expected place and a covariance about it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks.geometry import Affine

_PROCRUSTES_ROUNDS = 5
_ROBUST_ROUNDS = 10
_TURNED_FACE = np.array([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

MIN_SHAPES = 10
"""Fewer heads say nothing about how landmarks vary together."""

MIN_POINTS = 4
"""Fewer known landmarks than this leave nothing to judge one by: two of them already set the alignment."""


class Mended(NamedTuple):
    """Landmarks after implausible ones were placed anew.

    Attributes:
        points: `(N, K, 2)` px.
        replaced: `(N, K)`, which ones.
        sigma_px: `(N, K)` px, standard deviation along one axis of the new places; NaN where nothing was replaced.
    """

    points: NDArray[np.float64]
    replaced: NDArray[np.bool_]
    sigma_px: NDArray[np.float64]


@dataclass(frozen=True)
class ShapePrior:
    """Normal distribution of aligned shapes of K landmarks, in units of the mean shape's centroid size.

    Attributes:
        mean: `(K, 2)`, centred, root-mean-square radius 1.
        covariance: `(2K, 2K)` of x₁, y₁, x₂, …
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @classmethod
    def fit(cls, shapes: NDArray[np.float64]) -> "ShapePrior":
        """Learn from `(N, K, 2)` training landmarks in px, NaN where missing, heads of any size, turned either way.

        Raises:
            ValueError: fewer than `MIN_SHAPES` heads.
        """
        from sklearn.covariance import ledoit_wolf  # slow to import, and needed only where a prior is learned

        if len(shapes) < MIN_SHAPES:
            raise ValueError(f"{len(shapes)} training shapes, expected at least {MIN_SHAPES} to learn how landmarks vary.")
        complete = np.isfinite(shapes).all(axis=-1).sum(axis=1)
        mean = _unit(shapes[int(complete.argmax())])
        for _ in range(_PROCRUSTES_ROUNDS):
            aligned = np.stack([_alignment(shape, mean)(shape) for shape in shapes])
            mean = _unit(np.nanmean(aligned, axis=0))
        filled = np.where(np.isfinite(aligned), aligned, mean).reshape(len(shapes), -1)
        return cls(mean, np.asarray(ledoit_wolf(filled)[0], dtype=np.float64))

    def distances(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each landmark of `(N, K, 2)` is from where the others expect it: squared Mahalanobis distances `(N, K)`.

        For shapes of the distribution they follow χ² of two degrees of freedom: 18.4 is exceeded once in 10,000. NaN where
        a landmark, or too many others, are missing.
        """
        return np.stack([self._distances(_alignment(shape, self.mean)(shape)) for shape in points])

    def mend(self, points: NDArray[np.float64], max_distance: float, max_replaced: int = 3) -> Mended:
        """Place gross outliers anew, the worst first.

        Args:
            points: `(N, K, 2)` px; NaN stays NaN.
            max_distance: Squared Mahalanobis distance beyond which a landmark is implausible.
            max_replaced: Of one head. Where more are implausible, the shape and not a landmark is unusual, and stays.
        """
        mended, replaced = points.copy(), np.zeros(points.shape[:2], dtype=bool)
        sigma = np.full(points.shape[:2], np.nan)
        for row, shape in enumerate(points):
            to_mean = _alignment(shape, self.mean)
            aligned = to_mean(shape)
            outliers = self._outliers(aligned, max_distance)
            if not 0 < len(outliers) <= max_replaced:
                continue
            aligned[outliers] = np.nan
            place, spread = self._expected(aligned, outliers)
            mended[row, outliers], replaced[row, outliers] = to_mean.inverse()(place), True
            sigma[row, outliers] = spread / to_mean.scale
        return Mended(mended, replaced, sigma)

    def _outliers(self, aligned: NDArray[np.float64], max_distance: float) -> list[int]:
        """Implausible landmarks, the worst first; each is judged without those found before it."""
        aligned = aligned.copy()
        found: list[int] = []
        while True:
            distances = np.nan_to_num(self._distances(aligned))
            worst = int(distances.argmax())
            if distances[worst] <= max_distance:
                return found
            found.append(worst)
            aligned[worst] = np.nan

    def _distances(self, aligned: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(K,)` for one aligned shape: block k of the precision matrix is the conditional precision of landmark k."""
        distances = np.full(len(aligned), np.nan)
        known = np.flatnonzero(np.isfinite(aligned).all(axis=-1))
        if len(known) < MIN_POINTS:
            return distances
        rows = _rows(known)
        precision = np.linalg.inv(self.covariance[np.ix_(rows, rows)])
        pull = (precision @ (aligned[known] - self.mean[known]).ravel()).reshape(-1, 2)
        blocks = precision.reshape(len(known), 2, len(known), 2)[np.arange(len(known)), :, np.arange(len(known))]
        distances[known] = np.einsum("ki,kij,kj->k", pull, np.linalg.inv(blocks), pull)
        return distances

    def _expected(self, aligned: NDArray[np.float64], missing: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Expected places `(m, 2)` of missing landmarks given the known ones, and standard deviations `(m,)` along an axis."""
        known = np.flatnonzero(np.isfinite(aligned).all(axis=-1))
        seen, unseen = _rows(known), _rows(np.array(missing))
        regression = np.linalg.solve(self.covariance[np.ix_(seen, seen)], self.covariance[np.ix_(seen, unseen)])
        place = self.mean[missing].ravel() + (aligned[known] - self.mean[known]).ravel() @ regression
        rest = self.covariance[np.ix_(unseen, unseen)] - self.covariance[np.ix_(unseen, seen)] @ regression
        return place.reshape(-1, 2), np.sqrt(np.diag(rest).reshape(-1, 2).mean(axis=1))


def _rows(landmarks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows of the covariance that belong to landmarks."""
    return (2 * landmarks[:, None] + np.arange(2)).ravel()


def _unit(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """A shape centred, with a root-mean-square radius of 1."""
    centred = shape - np.nanmean(shape, axis=0)
    return np.asarray(centred / np.sqrt(np.nanmean((centred**2).sum(axis=-1))))


def _alignment(shape: NDArray[np.float64], mean: NDArray[np.float64]) -> Affine:
    """The similarity, mirrored or not, that brings a shape `(K, 2)` closest to the mean; outliers hardly count."""
    known = np.isfinite(shape).all(axis=-1) & np.isfinite(mean).all(axis=-1)
    if known.sum() < 2:
        return Affine.identity()
    as_it_is, mirrored = Affine.identity(), Affine(_TURNED_FACE)
    ways = [way.then(_similarity(way(shape[known]), mean[known])) for way in (as_it_is, mirrored)]
    misfit = [float(np.median(np.linalg.norm(way(shape[known]) - mean[known], axis=-1))) for way in ways]
    return ways[int(np.argmin(misfit))]


def _similarity(points: NDArray[np.float64], target: NDArray[np.float64]) -> Affine:
    """Least squares with weights that fall as a point's misfit grows beyond the usual one."""
    source, goal = points @ (1, 1j), target @ (1, 1j)
    weights = np.ones(len(source))
    for _ in range(_ROBUST_ROUNDS):
        share = weights / weights.sum()
        from_, to = share @ source, share @ goal
        centred = source - from_
        factor = (share * centred.conj()) @ (goal - to) / max(float(share @ np.abs(centred) ** 2), 1e-12)
        offset = to - factor * from_
        misfit = np.abs(factor * source + offset - goal)
        weights = 1 / (1 + (misfit / (3 * max(float(np.median(misfit)), 1e-9))) ** 2)
    return Affine(np.array([[factor.real, -factor.imag, offset.real], [factor.imag, factor.real, offset.imag]]))

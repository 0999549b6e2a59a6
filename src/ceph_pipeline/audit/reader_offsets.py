"""Differences between two readers: constant offsets, and changes of the offset along the images."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CLIP = 4.0
"""Differences are clipped at this number of standard deviations, estimated from the median absolute deviation."""

_LEAST_CLIPPED = 10
"""Least number of images for clipping; with fewer, two similar differences would make outliers of all others."""

MAD_TO_SD = 1.4826
"""From the median absolute deviation of normally distributed values to their standard deviation."""


class OffsetChange(NamedTuple):
    """A change of the mean difference between two groups of images; outliers are clipped in the test, but not in the shift.

    Attributes:
        shift: `(K, 2)`, mean of the later group minus the mean of the earlier group.
        statistic: `(K,)`, squared shift divided by its variance: without a change, χ² with two degrees of freedom.
        p: p-value of the sum over landmarks, by permutation of the images.
    """

    shift: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p: float


class ChangePoint(NamedTuple):
    """Position of a change of the mean difference in the order of the images.

    Attributes:
        row: Most likely row of the first image after the change.
        earliest: Earliest plausible row, within two standard deviations of the statistic.
        latest: Latest plausible row.
    """

    row: int
    earliest: int
    latest: int


def clipped(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences `(N, K, 2)` with outliers clipped; NaN stays NaN."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a landmark without any points
        centre = np.nanmedian(differences, axis=0)
        spread = MAD_TO_SD * np.nanmedian(np.abs(differences - centre), axis=0)
    spread[np.isfinite(differences).sum(axis=0) < _LEAST_CLIPPED] = np.inf
    return np.clip(differences, centre - _CLIP * spread, centre + _CLIP * spread)


def mean_offsets(differences: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean `(K, 2)` of differences `(N, K, 2)`, and p-values `(K,)` of the test against 0; NaN for fewer than three images.

    Source: Hotelling, The generalization of Student's ratio, Annals of Mathematical Statistics 1931.
    """
    from scipy import stats

    mean, f = np.full(differences.shape[1:], np.nan), np.full(differences.shape[1], np.nan)
    is_known = np.asarray(np.isfinite(differences).all(axis=-1))
    n = is_known.sum(axis=0)
    for k in np.flatnonzero(n >= 3):
        known = differences[is_known[:, k], k]
        mean[k] = known.mean(axis=0)
        variance = np.cov(known.T) + np.eye(2) * 1e-9
        t_squared = n[k] * mean[k] @ np.linalg.solve(variance, mean[k])
        f[k] = t_squared * (n[k] - 2) / (2 * (n[k] - 1))
    return mean, np.asarray(stats.f.sf(f, 2, np.maximum(n - 2, 1)))


def change_points(
    differences: NDArray[np.float64], least_images: int, permutations: int, counts: Callable[[OffsetChange], bool]
) -> list[ChangePoint]:
    """Changes of the mean difference, by binary segmentation.

    Args:
        differences: `(N, K, 2)`, in the images' order; NaN where missing.
        least_images: Least number of images on either side of a change.
        permutations: Number of permutations of the images for the test.
        counts: Whether a change is large enough to be reported.

    Returns:
        Changes sorted by row.
    """
    return sorted(_split(differences, 0, least_images, permutations, counts))


def change_at(differences: NDArray[np.float64], row: int, permutations: int) -> OffsetChange:
    """The change between the rows before `row` and the rows from `row` on; see `change_points`."""
    later = np.arange(len(differences)) >= row
    scores = _whitened(clipped(differences))
    statistic = _statistics(scores, later)
    rng = np.random.default_rng(0)
    beaten = sum(_statistics(scores, rng.permutation(later)).sum() >= statistic.sum() for _ in range(permutations))
    return OffsetChange(_shift(differences, later), statistic, (1 + beaten) / (1 + permutations))


def grouped_change(differences: NDArray[np.float64], later: NDArray[np.bool_], permutations: int) -> OffsetChange:
    """The change between two groups of images, `later` and the others."""
    order = np.argsort(later, kind="stable")
    return change_at(differences[order], int((~later).sum()), permutations)


def _split(
    differences: NDArray[np.float64], start: int, least: int, permutations: int, counts: Callable[[OffsetChange], bool]
) -> Sequence[ChangePoint]:
    if len(differences) < 2 * least:
        return []
    scores = _whitened(clipped(differences))
    curve = _scan(scores, least)
    peak = int(curve.argmax())
    row = peak + least
    rng = np.random.default_rng(len(differences))
    by_chance = np.array([_scan(scores[rng.permutation(len(scores))], least) for _ in range(permutations)])
    p = (1 + (by_chance.max(axis=1) >= curve[peak]).sum()) / (1 + permutations)
    later = np.arange(len(differences)) >= row
    if not counts(OffsetChange(_shift(differences, later), _statistics(scores, later), float(p))):
        return []
    near = np.flatnonzero(curve >= curve[peak] - 2 * by_chance[:, peak].std()) + start + least
    before = _split(differences[:row], start, least, permutations, counts)
    after = _split(differences[row:], start + row, least, permutations, counts)
    return [*before, ChangePoint(start + row, int(near.min()), int(near.max())), *after]


def _whitened(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences `(N, K, 2)`, whitened per landmark to mean 0 and unit variance in every direction; 0 where missing."""
    known = np.asarray(np.isfinite(differences).all(axis=-1))
    scores = np.zeros_like(differences)
    for k in range(differences.shape[1]):
        values = differences[known[:, k], k]
        if len(values) < 3:
            continue
        centred = values - values.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(centred.T))
        moving = variances > 1e-9 * max(1.0, variances.max())
        scores[known[:, k], k] = (centred @ directions) * np.where(moving, 1 / np.sqrt(np.where(moving, variances, 1)), 0)
    return scores


def _scan(scores: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """Sum of the statistic over landmarks, for a change before each of the rows `least` to `N − least`."""
    n = len(scores)
    earlier = np.arange(least, n - least + 1)
    sums = np.cumsum(scores.reshape(n, -1), axis=0)[earlier - 1]
    return np.asarray((sums**2).sum(axis=1) * n / (earlier * (n - earlier)))


def _statistics(scores: NDArray[np.float64], later: NDArray[np.bool_]) -> NDArray[np.float64]:
    n, n_later = len(scores), int(later.sum())
    return np.asarray((scores[later].sum(axis=0) ** 2).sum(axis=-1) * n / (n_later * (n - n_later)))


def _shift(differences: NDArray[np.float64], later: NDArray[np.bool_]) -> NDArray[np.float64]:
    return mean_offsets(differences[later])[0] - mean_offsets(differences[~later])[0]

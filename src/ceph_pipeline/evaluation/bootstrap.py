"""Bootstrap over images: how far chance alone could move a result.

Images, not points, are drawn: the points of one image share its quality, its patient and its pixel size.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CHUNK = 2_000
"""Resamples weighed at once, which bounds the memory."""


@dataclass(frozen=True)
class Interval:
    """A 95 % percentile interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float

    def as_list(self) -> list[float]:
        """`[low, high]`, as reports hold it."""
        return [self.low, self.high]


@dataclass(frozen=True)
class Improvement:
    """By how much one set of errors is smaller than another on the same points.

    Attributes:
        percent: 100 · (1 − mean of the new errors / mean of the old); positive is better.
        interval: 95 % interval of `percent`, None where there are fewer than two images.
        n_images: Images with at least one point known in both.
    """

    percent: float
    interval: Interval | None
    n_images: int


def mean_interval(errors: ArrayLike, *, n_resamples: int = 10_000, seed: int = 42) -> Interval | None:
    """95 % bootstrap interval of the mean over all known errors, images resampled with replacement.

    Args:
        errors: `(N, K)`, a row an image; NaN is left out, and images without a known error do not count.
        n_resamples: Draws of N images.
        seed: Of the draws.

    Returns:
        The percentile interval, or None for fewer than two images, which say nothing about other images.
    """
    errors = np.asarray(errors, np.float64)
    counts = (~np.isnan(errors)).sum(axis=1, keepdims=True)
    return _intervals(np.nansum(errors, axis=1, keepdims=True), counts, n_resamples, seed)[0]


def landmark_intervals(errors: ArrayLike, *, n_resamples: int = 10_000, seed: int = 42) -> list[Interval | None]:
    """The same for the mean error of each of the K landmarks by itself."""
    errors = np.asarray(errors, np.float64)
    return _intervals(np.nan_to_num(errors), (~np.isnan(errors)).astype(np.int_), n_resamples, seed)


def improvement(new: ArrayLike, old: ArrayLike, *, n_resamples: int = 10_000, seed: int = 42) -> Improvement:
    """Paired comparison of two sets of errors on the same images and points.

    Each resample draws the same images for both, so that what makes an image hard cancels.

    Args:
        new: `(N, K)` errors of the system that should be better.
        old: `(N, K)` errors of the one it is compared with; a point counts where both are known.
        n_resamples: Draws of N images.
        seed: Of the draws.

    Raises:
        ValueError: the shapes differ, or no point is known in both.
    """
    new, old = np.asarray(new, np.float64), np.asarray(old, np.float64)
    if new.shape != old.shape or new.ndim != 2:
        raise ValueError(f"paired errors must both be (N, K), got {new.shape} and {old.shape}.")
    shared = ~(np.isnan(new) | np.isnan(old))
    if not shared.any():
        raise ValueError("no point is known in both sets of errors: they come from different images.")
    rows = shared.any(axis=1)
    new_sums, old_sums = (np.where(shared, errors, 0.0).sum(axis=1)[rows] for errors in (new, old))
    percent = 100 * (1 - float(new_sums.sum() / old_sums.sum()))
    if rows.sum() < 2:
        return Improvement(percent, None, int(rows.sum()))
    ratios = [(weights @ new_sums) / (weights @ old_sums) for weights in _draws(len(new_sums), n_resamples, seed)]
    return Improvement(percent, _percentiles(100 * (1 - np.concatenate(ratios))), int(rows.sum()))


def _intervals(sums: NDArray[np.float64], counts: NDArray[np.int_], n_resamples: int, seed: int) -> list[Interval | None]:
    """Intervals of Σ sums / Σ counts, one a column of `(N, C)`; None where fewer than two images count."""
    seen = (counts > 0).any(axis=1)
    sums, known = sums[seen], counts[seen].astype(np.float64)
    enough = (known > 0).sum(axis=0) >= 2
    if not enough.any():
        return [None] * sums.shape[1]
    means = []
    for weights in _draws(len(sums), n_resamples, seed):
        total = weights @ known
        means.append(np.divide(weights @ sums, total, out=np.full(total.shape, np.nan), where=total > 0))
    resampled = np.concatenate(means)
    return [_percentiles(resampled[:, column]) if enough[column] else None for column in range(sums.shape[1])]


def _draws(n_images: int, n_resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each image is drawn with replacement, `(≤ CHUNK, n_images)` at a time."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, n_images]))
    for start in range(0, n_resamples, CHUNK):
        size = min(CHUNK, n_resamples - start)
        drawn = rng.integers(n_images, size=(size, n_images)) + n_images * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n_images).reshape(size, n_images).astype(np.float64)


def _percentiles(values: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))

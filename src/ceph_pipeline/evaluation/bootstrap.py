"""Bootstrap over images: how far chance alone could move a result.

Images, not points, are drawn: the points of one image share its quality, its patient and its pixel size.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

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
        difference: Mean of the new errors minus mean of the old, in the errors' unit; negative is better.
        difference_interval: Its 95 % interval.
        n_images: Images with at least one point known in both.
    """

    percent: float
    interval: Interval | None
    difference: float
    difference_interval: Interval | None
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
    return mean_intervals([errors], n_resamples=n_resamples, seed=seed)[0]


def mean_intervals(quantities: Sequence[ArrayLike], *, n_resamples: int = 10_000, seed: int = 42) -> list[Interval | None]:
    """The same for several quantities that are known on the same points, such as errors and detections, drawn together.

    Args:
        quantities: Each `(N, K)`, a row an image.
        n_resamples: Draws of N images.
        seed: Of the draws.
    """
    arrays = [np.asarray(quantity, np.float64) for quantity in quantities]
    counts = np.stack([(~np.isnan(array)).sum(axis=1) for array in arrays], axis=1)
    return _intervals(np.stack([np.nansum(array, axis=1) for array in arrays], axis=1), counts, n_resamples, seed)


def landmark_intervals(errors: ArrayLike, *, n_resamples: int = 10_000, seed: int = 42) -> list[Interval | None]:
    """The same for the mean error of each of the K landmarks by itself."""
    errors = np.asarray(errors, np.float64)
    return _intervals(np.nan_to_num(errors), (~np.isnan(errors)).astype(np.int_), n_resamples, seed)


def statistic_intervals(
    rows: ArrayLike,
    statistics: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    n_resamples: int = 10_000,
    seed: int = 42,
) -> list[Interval | None]:
    """Intervals of figures that are functions of sums over images.

    Args:
        rows: `(N, C)`, what each image adds to the C sums.
        statistics: From sums `(B, C)` of B resamples to F figures of each, `(B, F)`.
        n_resamples: Draws of N images.
        seed: Of the draws.

    Returns:
        F intervals; None for fewer than two images, or where no resample has the figure.
    """
    rows = np.asarray(rows, np.float64)
    if len(rows) < 2:
        return [None] * statistics(np.zeros((1, rows.shape[1]))).shape[1]
    figures = np.concatenate([statistics(weights @ rows) for weights in _draws(len(rows), n_resamples, seed)])
    return [_percentiles(column) if np.isfinite(column).any() else None for column in figures.T]


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
    counts, n_images = shared.sum(axis=1)[rows].astype(np.float64), int(rows.sum())
    percent = 100 * (1 - float(new_sums.sum() / old_sums.sum()))
    difference = float((new_sums.sum() - old_sums.sum()) / counts.sum())
    if n_images < 2:
        return Improvement(percent, None, difference, None, n_images)

    def figures(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        new_total, old_total, count = totals.T
        return np.stack([100 * (1 - new_total / old_total), (new_total - old_total) / count], axis=1)

    of_percent, of_difference = statistic_intervals(
        np.stack([new_sums, old_sums, counts], axis=1), figures, n_resamples=n_resamples, seed=seed
    )
    return Improvement(percent, of_percent, difference, of_difference, n_images)


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
    drawn = _all_draws(n_images, n_resamples, seed)
    for start in range(0, n_resamples, CHUNK):
        yield drawn[start : start + CHUNK].astype(np.float64)


@lru_cache(maxsize=4)
def _all_draws(n_images: int, n_resamples: int, seed: int) -> NDArray[np.uint16]:
    """The draws, kept, since most figures are of the same images; 10,000 resamples of 150 images are 3 MB."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, n_images]))
    drawn = np.empty((n_resamples, n_images), np.uint16)
    for start in range(0, n_resamples, CHUNK):
        size = min(CHUNK, n_resamples - start)
        places = rng.integers(n_images, size=(size, n_images)) + n_images * np.arange(size)[:, None]
        drawn[start : start + size] = np.bincount(places.ravel(), minlength=size * n_images).reshape(size, n_images)
    return drawn


def _percentiles(values: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))

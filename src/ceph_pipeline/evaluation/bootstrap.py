"""Bootstrap over images: studentised limits of ratios of sums, and the share of resamples with an undefined statistic."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CHUNK = 2_000
"""Number of resamples per batch, which limits the memory."""

ROUNDING = 1e-12
"""Relative size below which a variance, a difference of squares, is a rounding error and set to 0."""


def studentised_limits(
    sums: NDArray[np.float64], counts: NDArray[np.float64], n_resamples: int, seed: int
) -> NDArray[np.float64]:
    """95 % limits of F ratios Σ sums / Σ counts by the bootstrap-t.

    Each resample's deviation from the ratio is divided by that resample's own standard error (of the linearised ratio).
    If the images have no spread, both limits are the ratio.

    Args:
        sums: `(N, F)`.
        counts: `(N, F)` ≥ 0, positive somewhere in each column.
        n_resamples: Number of resamples of N images.
        seed: Seed of the resamples.

    Returns:
        `(F, 3)`: low, high, and the share of resamples without a ratio or without spread.
    """
    moments = np.concatenate([sums, counts, sums * sums, sums * counts, counts * counts], axis=1)
    ratio, error = _ratio_and_error(moments.sum(axis=0)[None])
    deviations = []
    for weights in draws(len(sums), n_resamples, seed):
        drawn, own_error = _ratio_and_error(weights @ moments)
        deviations.append(np.divide(drawn - ratio, own_error, out=np.full(drawn.shape, np.nan), where=own_error > 0))
    studentised = np.concatenate(deviations)
    undefined = np.isnan(studentised).mean(axis=0)
    limits = np.stack([ratio[0], ratio[0], np.zeros_like(undefined)], axis=1)
    spread = error[0] > 0
    limits[spread, 2] = undefined[spread]
    for column in np.flatnonzero(spread & (undefined < 1)):
        low, high = np.nanquantile(studentised[:, column], [0.025, 0.975])
        limits[column, :2] = ratio[0, column] - high * error[0, column], ratio[0, column] - low * error[0, column]
    return limits


def undefined_share(
    rows: NDArray[np.float64],
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    n_resamples: int,
    seed: int,
) -> float:
    """Share of resamples of the images `(N, C)` whose statistic, a function from sums `(B, C)` to `(B,)`, is NaN."""
    counted = [int(np.isnan(figure(weights @ rows)).sum()) for weights in draws(len(rows), n_resamples, seed)]
    return sum(counted) / n_resamples


def draws(n_images: int, n_resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each image is drawn with replacement, `(≤ CHUNK, n_images)` at a time."""
    drawn = _all_draws(n_images, n_resamples, seed)
    for start in range(0, n_resamples, CHUNK):
        yield drawn[start : start + CHUNK].astype(np.float64)


@lru_cache(maxsize=4)
def _all_draws(n_images: int, n_resamples: int, seed: int) -> NDArray[np.uint16]:
    """All draws, cached because most statistics use the same images; 10,000 resamples of 150 images are 3 MB."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, n_images]))
    drawn = np.empty((n_resamples, n_images), np.uint16)
    for start in range(0, n_resamples, CHUNK):
        size = min(CHUNK, n_resamples - start)
        places = rng.integers(n_images, size=(size, n_images)) + n_images * np.arange(size)[:, None]
        drawn[start : start + size] = np.bincount(places.ravel(), minlength=size * n_images).reshape(size, n_images)
    return drawn


def _ratio_and_error(moments: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratios `(B, F)` and their standard errors from the five sums `(B, 5·F)`; NaN without known values."""
    above, below, above_squared, product, below_squared = np.split(moments, 5, axis=1)
    ratio = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    variance = above_squared - 2 * ratio * product + ratio**2 * below_squared
    variance = np.where(variance > ROUNDING * above_squared, variance, 0.0)
    return ratio, np.divide(np.sqrt(variance), below, out=np.full(above.shape, np.nan), where=below > 0)

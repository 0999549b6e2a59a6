"""First-order error propagation from points to measurements."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.cephalometry.evaluating import SYMBOLS, evaluate, needs
from ceph_pipeline.cephalometry.kinds import Values
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS
from ceph_pipeline.errors import InvalidValueError

STEP = 1e-4
"""Step of the central differences, as a fraction of a face's size; the relative error of a derivative is about 1e-8."""
AT_ONCE = 64
"""Number of faces per batch, which limits the memory."""


def covariances(scatter: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    """Standard deviations or covariances by symbol as `(K, 2, 2)` in square pixels, NaN where unknown.

    Raises:
        ValueError: a standard deviation is below 0, a shape is neither () nor (2, 2), or a matrix is not a covariance.
    """
    result = np.full((len(SYMBOLS), 2, 2), np.nan)
    for symbol, spread in scatter.items():
        if symbol in SYMBOLS:
            result[SYMBOLS.index(symbol)] = _covariance(symbol, np.asarray(spread, dtype=np.float64))
    return result


def propagate(points: NDArray[np.float64], pixel_size_mm: NDArray[np.float64], covariance: NDArray[np.float64]) -> Values:
    """Standard deviation of every measurement, for independent errors of the points.

    The orientation of a face, and therefore each sign, is assumed to be known. The first-order approximation does not hold for
    acute angles near 0, and for points whose distance is smaller than their errors.

    Args:
        points: `(N, K, 2)` in pixels, in the order of `SYMBOLS`.
        pixel_size_mm: `(N,)`, assumed to be exact.
        covariance: `(N, K, 2, 2)` in square pixels, NaN where unknown.

    Returns:
        `(N, M)` in the measurements' units; NaN without a value, or without the covariance of a required point.
    """
    unknown: NDArray[np.bool_] = np.asarray(np.isnan(covariance).any(axis=(2, 3)))
    filled = np.where(unknown[..., None, None], 0.0, covariance)
    variance = np.full((len(points), len(MEASUREMENTS)), np.nan)
    for start in range(0, len(points), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        slopes = gradient(points[part], pixel_size_mm[part])
        variance[part] = np.einsum("nmki,nkij,nmkj->nm", slopes, filled[part], slopes)
    return np.where((unknown[:, None] & needs()).any(axis=2), np.nan, np.sqrt(np.maximum(variance, 0.0)))


def gradient(points: NDArray[np.float64], pixel_size_mm: NDArray[np.float64]) -> Values:
    """Derivatives of every measurement by every coordinate, by central differences: `(N, M, K, 2)` per pixel.

    NaN without a value; 0 for points that a measurement does not use.
    """
    n, k = points.shape[:2]
    points = np.where(np.isfinite(points).all(axis=2, keepdims=True), points, np.nan)
    step = STEP * _size(points)[:, None, None, None]
    moves = step * np.eye(2 * k).reshape(2 * k, k, 2)
    sizes = np.repeat(pixel_size_mm, 2 * k)
    forward, backward = (evaluate((points[:, None] + move).reshape(-1, k, 2), sizes) for move in (moves, -moves))
    difference = (forward - backward).reshape(n, k, 2, len(MEASUREMENTS)) / (2 * step)
    return np.moveaxis(difference, 3, 1)


def _size(points: NDArray[np.float64]) -> Values:
    """Root mean square distance of each face's points from their centre, in pixels; NaN for fewer than two distinct points."""
    known = np.isfinite(points)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    centre = np.where(known, points, 0.0).sum(axis=1, keepdims=True) / count
    squares = np.where(known, np.square(points - centre), 0.0).sum(axis=(1, 2)) / count[:, 0, 0]
    return np.where(squares == 0, np.nan, np.sqrt(squares))


def _covariance(symbol: str, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    if spread.shape not in {(), (2, 2)}:
        raise InvalidValueError(
            f"scatter of {symbol!r}: expected a standard deviation or a (2, 2) covariance, got {spread.shape}."
        )
    if spread.shape == ():
        if spread < 0:
            raise InvalidValueError(f"scatter of {symbol!r}: expected a standard deviation of at least 0, found {spread}.")
        return np.asarray(np.square(spread) * np.eye(2))
    if np.isfinite(spread).all() and (not np.allclose(spread, spread.T) or np.linalg.eigvalsh(spread).min() < -1e-9):
        raise InvalidValueError(
            f"scatter of {symbol!r}: {spread.tolist()} is not a covariance: it is not symmetric, or a variance is negative."
        )
    return spread

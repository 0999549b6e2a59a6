"""Targets of stage 1's measurement head: z-scores of the measurements in the network's input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ceph_pipeline.cephalometry import LEARNED_MEASUREMENTS, learned_values

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MeasurementMoments(NamedTuple):
    """Mean and standard deviation `(M,)` of the measurements over the training images, lengths in px of the input.

    Attributes:
        keys: M of `LEARNED_MEASUREMENTS`; empty without a measurement head.
        mean: `(M,)`.
        sd: `(M,)`, above 0.
    """

    keys: tuple[str, ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]

    def scores(self, points: NDArray[np.float64], landmarks: tuple[str, ...], scale: float) -> NDArray[np.float64]:
        """Z-scores `(M,)` of one image, NaN where a landmark is missing.

        Args:
            points: `(K, 2)` in square px, NaN where missing.
            landmarks: K full names.
            scale: Px of the network's input per px of the points.
        """
        return (measured(points, landmarks, scale, self.keys) - self.mean) / self.sd


_ROUNDING = 1e-9
"""Share of the mean; a smaller standard deviation consists of rounding errors."""

UNMEASURED = MeasurementMoments((), np.empty(0), np.empty(0))
"""Moments of a network without a measurement head."""


def measured(
    points: NDArray[np.float64], landmarks: tuple[str, ...], scale: float, keys: tuple[str, ...] = LEARNED_MEASUREMENTS
) -> NDArray[np.float64]:
    """Measurements `(M,)` of one image's points; for the arguments see `MeasurementMoments.scores`."""
    if not keys:
        return np.empty(0)
    seen = {name: (x, y) for name, (x, y) in zip(landmarks, points.tolist(), strict=True) if math.isfinite(x)}
    return learned_values(seen, scale, keys)


def measurement_moments(values: NDArray[np.float64]) -> MeasurementMoments:
    """Moments of `(N, 10)` values in the order of `LEARNED_MEASUREMENTS`; measurements without any value are omitted.

    If all images have the same value, the standard deviation is set to 1.
    """
    taught = np.asarray(np.isfinite(values).any(axis=0))
    keys = tuple(key for key, there in zip(LEARNED_MEASUREMENTS, taught, strict=True) if there)
    if not keys:
        return UNMEASURED
    mean, sd = np.nanmean(values[:, taught], axis=0), np.nanstd(values[:, taught], axis=0)
    return MeasurementMoments(keys, mean, np.where(sd > _ROUNDING * np.abs(mean), sd, 1.0))

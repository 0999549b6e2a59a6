"""From located points to the figures of one validation."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ceph_pipeline.training.health.record import LocatedPoints, Validation

if TYPE_CHECKING:
    from numpy.typing import NDArray


def summarise(points: LocatedPoints, n_landmarks: int, input_size: tuple[int, int], stride: int) -> Validation:
    """The figures of a validation, by landmark.

    Args:
        points: All its points.
        n_landmarks: K.
        input_size: (width, height) px.
        stride: Input px per heatmap px.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty|All-NaN|invalid value", RuntimeWarning)  # a landmark nobody marked
        rows = [_of_landmark(points, points.landmark == k, input_size, stride) for k in range(n_landmarks)]
    return Validation(**{name: tuple(row[name] for row in rows) for name in Validation.model_fields})


def _of_landmark(
    points: LocatedPoints, chosen: NDArray[np.bool_], input_size: tuple[int, int], stride: int
) -> dict[str, float | tuple[float, float]]:
    found, truth = points.found[chosen], points.truth[chosen]
    known = truth[np.isfinite(truth).all(axis=1)]
    finite = found[np.isfinite(found).all(axis=1)]
    margin = _margin(found, input_size)
    return {
        "error": float(np.nanmean(np.linalg.norm(found - truth, axis=1))),
        "guess": float(np.linalg.norm(known - known.mean(axis=0), axis=1).mean()),
        "error_px": float(np.nanmean(points.error_px[chosen])),
        "error_mm": float(np.nanmean(points.error_mm[chosen])),
        "peak": float(np.nanmedian(points.peak[chosen])),
        "spread": spread(finite),
        "target_spread": spread(known),
        "centre": _centre(finite),
        "target_centre": _centre(known),
        "at_border": float((margin < stride).mean()),
        "target_at_border": float((_margin(known, input_size) < stride).mean()),
        "outside": float((~(margin >= 0)).mean()),
    }


def _centre(points: NDArray[np.float64]) -> tuple[float, float]:
    x, y = points.mean(axis=0)
    return float(x), float(y)


def _margin(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Distance `(N,)` to the nearest edge of the frame, negative outside."""
    margin: NDArray[np.float64] = np.minimum(points + 0.5, np.array(size) - 0.5 - points).min(axis=1)
    return margin


def spread(points: NDArray[np.float64]) -> float:
    """Root mean square distance of points `(N, 2)` from their mean; NaN of none."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))

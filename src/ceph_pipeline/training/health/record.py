"""The record of a training: plain numbers per epoch, used by checks, figures and tables."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from numpy.typing import NDArray

PerLandmark = tuple[float, ...]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class LocatedPoints(NamedTuple):
    """R points of one validation, in any order.

    Attributes:
        landmark: `(R,)` channel.
        found, truth: `(R, 2)` in px of the network's input; the truth is NaN where missing.
        error_px, error_mm: `(R,)` in px and mm of the originals, NaN where unknown.
        peak: `(R,)` maximum of each heatmap, near 1 if the network is certain.
    """

    landmark: NDArray[np.int64]
    found: NDArray[np.float64]
    truth: NDArray[np.float64]
    error_px: NDArray[np.float64]
    error_mm: NDArray[np.float64]
    peak: NDArray[np.float64]

    @classmethod
    def join(cls, parts: list[LocatedPoints]) -> LocatedPoints:
        """The points of several batches or processes."""
        return cls(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


class Validation(_Record):
    """One validation, with K values by landmark; lengths in px of the network's input unless noted, NaN where unknown.

    Attributes:
        error: Mean distance of predictions from the truth.
        guess: Mean distance of the truth from its mean, which is the error of the mean-shape baseline.
        error_px, error_mm: Mean errors in px and mm of the originals.
        peak: Median height of the heatmaps' peaks.
        spread: Root mean square distance of predictions from their mean over the images.
        target_spread: Root mean square distance of the truth from its mean over the images.
        centre, target_centre: Mean (x, y) of predictions and truth.
        at_border, target_at_border: Share of predictions and of the truth within one heatmap px of the frame's border.
        outside: Share of predictions that are not finite or lie outside the frame.
    """

    error: PerLandmark
    guess: PerLandmark
    error_px: PerLandmark
    error_mm: PerLandmark
    peak: PerLandmark
    spread: PerLandmark
    target_spread: PerLandmark
    centre: tuple[tuple[float, float], ...]
    target_centre: tuple[tuple[float, float], ...]
    at_border: PerLandmark
    target_at_border: PerLandmark
    outside: PerLandmark


def summarise(points: LocatedPoints, n_landmarks: int, input_size: tuple[int, int], stride: int) -> Validation:
    """Statistics of a validation, by landmark.

    Args:
        points: All points of the validation.
        n_landmarks: K.
        input_size: (width, height) px.
        stride: Input px per heatmap px.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty|All-NaN|invalid value", RuntimeWarning)  # a landmark without annotations
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
    """Root mean square distance of points `(N, 2)` from their mean; NaN without points."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


class Epoch(_Record):
    """One epoch.

    Attributes:
        epoch: Number, from 1.
        steps: Number of optimiser steps.
        curves: Logged metrics by name, such as `train/loss` and `val/mre_px`; validation metrics only after a validation.
        learning_rate: Learning rate at the end of the epoch.
        step_size: Change of the weights in the epoch's last step relative to their size, by part of the network (`backbone`,
            `heads`); median over the tensors.
        validation: The validation, or None without one.
    """

    epoch: int
    steps: int
    curves: dict[str, float]
    learning_rate: float
    step_size: dict[str, float]
    validation: Validation | None = None


class TrainingRecord(_Record):
    """A training so far.

    Attributes:
        stage: `stage1` or `stage2`.
        landmarks: K full names, in channel order.
        settings: The stage's parameters by dotted name, without the stage; includes a searched learning rate.
        input_size: (width, height) px.
        stride: Input px per heatmap px.
        epochs: The epochs, in order.
    """

    stage: str
    landmarks: tuple[str, ...]
    settings: dict[str, Any]
    input_size: tuple[int, int]
    stride: int
    epochs: tuple[Epoch, ...] = ()

    @property
    def planned_epochs(self) -> int:
        """Configured number of epochs."""
        return int(self.settings["optim.epochs"])

    @property
    def progress(self) -> float:
        """Share of the configured epochs that is complete, 0–1."""
        return self.epochs[-1].epoch / self.planned_epochs if self.epochs else 0.0

    def validated(self) -> list[tuple[int, Validation]]:
        """(epoch, validation) of the epochs with a validation."""
        return [(entry.epoch, entry.validation) for entry in self.epochs if entry.validation is not None]

    def curve(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Epochs and values of a logged metric."""
        points = [(entry.epoch, entry.curves[name]) for entry in self.epochs if name in entry.curves]
        epochs, values = zip(*points, strict=True) if points else ((), ())
        return np.array(epochs, np.float64), np.array(values, np.float64)

    def until(self, epoch: int) -> TrainingRecord:
        """The record up to and including an epoch."""
        return self.model_copy(update={"epochs": tuple(entry for entry in self.epochs if entry.epoch <= epoch)})

"""Detects single landmarks that the network does not find although it finds the others."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.training.health.finding import LOST, Symptom, lost_landmarks, once_judged, relative_errors
from ceph_pipeline.training.health.record import TrainingRecord, Validation

_LOW_PEAK = 0.25
"""Share of the median peak below which a peak is near zero."""


@once_judged
def check_dead_channels(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Channels with a much larger error than the others; networks that find no landmarks are ignored."""
    if not (dead := lost_landmarks(record, validation)).any():
        return
    relative, peak = relative_errors(validation), np.array(validation.peak)
    error, unit = _errors(validation.error_mm, validation.error_px)
    flat = int((peak[dead] < _LOW_PEAK * np.nanmedian(peak)).sum())
    names = [f"{record.landmarks[k]} {error[k]:.1f}" for k in np.flatnonzero(dead)]
    yield Symptom(
        "warning",
        f"{int(dead.sum())} of {len(dead)} landmarks are not found ({', '.join(names)} {unit}) while the others average "
        f"{np.nanmean(error[~dead]):.1f} {unit}; {flat} of them with a peak near zero. Missing or wrong training labels of "
        "these landmarks have the same symptom; channels that died at a high learning rate also have no peak.",
        value=float(np.nanmax(relative[dead]) / np.nanmedian(relative)),
        limit=LOST,
        suggestion="check these landmarks' labels in the training split, then train again at a lower optim.learning_rate",
    )


def _errors(millimetres: tuple[float, ...], pixels: tuple[float, ...]) -> tuple[NDArray[np.float64], str]:
    """Errors in mm, or in px if no pixel size is known."""
    known = np.array(millimetres)
    return (known, "mm") if np.isfinite(known).any() else (np.array(pixels), "px")

"""Detects collapse: predictions of different images, or of different landmarks, at the same position."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.training.health.finding import Symptom, once_judged, rate
from ceph_pipeline.training.health.record import TrainingRecord, Validation

_SPREAD_RATIO = 0.5
"""Threshold of the ratio of the predictions' spread to the truth's. Phantoms (seeds 1–3): 0.9–1 in healthy trainings."""

_SHARE = 0.1
"""Minimum share of collapsed landmarks."""


@once_judged
def check_collapsed_images(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Landmarks predicted at the same position in every image; landmarks whose truth hardly varies are ignored."""
    spread, target = np.array(validation.spread), np.array(validation.target_spread)
    movable = target > record.stride
    if not movable.any():
        return
    ratios = spread[movable] / target[movable]
    collapsed = int((ratios < _SPREAD_RATIO).sum())
    if collapsed >= max(2.0, _SHARE * len(ratios)):
        yield Symptom(
            "error" if collapsed > len(ratios) / 2 else "warning",
            f"{collapsed} of {len(ratios)} landmarks are predicted at nearly the same position in all images: their spread is "
            f"{ratios.min():.2f} of the truth's for the worst landmark, {np.median(ratios):.2f} for the median. A network that "
            "predicts the mean shape only, for example after training with labels of other images, has the same symptom.",
            value=float(np.median(ratios)),
            limit=_SPREAD_RATIO,
            setting="optim.learning_rate",
            suggestion=f"{rate(record, 0.1)}, with a longer optim.warmup_epochs; then check the labels",
            hopeless=collapsed > len(ratios) / 2,
        )


@once_judged
def check_collapsed_landmarks(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Different landmarks predicted at the same position, although their true positions differ."""
    found, truth = _distances(validation.centre), _distances(validation.target_centre)
    together = (found < record.stride) & (truth > 3 * record.stride)
    crowded = [name for name, row in zip(record.landmarks, together, strict=True) if row.any()]
    if len(crowded) >= max(2.0, _SHARE * len(record.landmarks)):
        yield Symptom(
            "error" if len(crowded) > len(record.landmarks) / 2 else "warning",
            f"{len(crowded)} of {len(record.landmarks)} landmarks have the same mean prediction, within a heatmap px, as another "
            f"landmark with a different true position: {', '.join(crowded[:5])}{' …' * (len(crowded) > 5)}.",
            value=float(len(crowded)),
            limit=_SHARE * len(record.landmarks),
            setting="optim.learning_rate",
            suggestion=rate(record, 0.1),
            hopeless=len(crowded) > len(record.landmarks) / 2,
        )


def _distances(points: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Distances `(K, K)` between K points."""
    xy = np.array(points)
    distances: NDArray[np.float64] = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    return distances

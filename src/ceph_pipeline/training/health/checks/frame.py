"""Predictions out of the frame, and along its border."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.training.health.finding import Symptom, once_judged, rate
from ceph_pipeline.training.health.record import TrainingRecord, Validation

_OUTSIDE = 0.01
_AT_BORDER = 0.05
"""More than of the truth. Measured on phantoms (seeds 1–3): healthy trainings 0, diverged ones 0.9–1."""


@once_judged
def check_out_of_range(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Coordinates that no image has."""
    share = float(np.nanmean(validation.outside))
    if share > _OUTSIDE:
        yield Symptom(
            "error" if share > 0.5 else "warning",
            f"{share:.0%} of the predicted coordinates are not finite or lie outside the {record.input_size[0]} × "
            f"{record.input_size[1]} px that the network sees. A heatmap cannot say so: look at coordinate losses and at the "
            "labels' units.",
            value=share,
            limit=_OUTSIDE,
            setting="optim.learning_rate",
            suggestion=rate(record, 0.1),
            hopeless=share > 0.5,
        )


@once_judged
def check_border(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Predictions along the border, where the truth is not."""
    share, of_truth = float(np.nanmean(validation.at_border)), float(np.nanmean(validation.target_at_border))
    if share - of_truth > _AT_BORDER:
        yield Symptom(
            "error" if share - of_truth > 0.5 else "warning",
            f"{share:.0%} of the predictions lie within a heatmap px of the frame, {of_truth:.0%} of the truth. Flat maps "
            "have their maximum in a corner; points that letterbox or augmentation push out of the frame end here too.",
            value=share,
            limit=of_truth + _AT_BORDER,
            setting="optim.learning_rate",
            suggestion=f"{rate(record, 0.1)} where the maps are flat, else a smaller augmentation.affine.shift",
            hopeless=share - of_truth > 0.5,
        )

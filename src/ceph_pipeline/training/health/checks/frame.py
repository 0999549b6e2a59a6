"""Detects predictions outside the frame or along its border."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.training.health.finding import Symptom, once_judged, rate
from ceph_pipeline.training.health.record import TrainingRecord, Validation

_OUTSIDE = 0.01
_AT_BORDER = 0.05
"""Maximum difference to the share of the truth. Phantoms (seeds 1–3): 0 in healthy trainings, 0.9–1 in diverged ones."""


@once_judged
def check_out_of_range(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Predicted coordinates outside the image or not finite."""
    share = float(np.nanmean(validation.outside))
    if share > _OUTSIDE:
        yield Symptom(
            "error" if share > 0.5 else "warning",
            f"{share:.0%} of the predicted coordinates are not finite or lie outside the {record.input_size[0]} × "
            f"{record.input_size[1]} px of the network's input. Heatmaps cannot produce such coordinates: check coordinate "
            "losses and the units of the labels.",
            value=share,
            limit=_OUTSIDE,
            setting="optim.learning_rate",
            suggestion=rate(record, 0.1),
            hopeless=share > 0.5,
        )


@once_judged
def check_border(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Predictions along the border, although the true points are not there."""
    share, of_truth = float(np.nanmean(validation.at_border)), float(np.nanmean(validation.target_at_border))
    if share - of_truth > _AT_BORDER:
        yield Symptom(
            "error" if share - of_truth > 0.5 else "warning",
            f"{share:.0%} of the predictions lie within a heatmap px of the frame's border, but {of_truth:.0%} of the truth. "
            "Flat maps have their maximum in a corner; points that letterbox or augmentation moved out of the frame are also "
            "predicted there.",
            value=share,
            limit=of_truth + _AT_BORDER,
            setting="optim.learning_rate",
            suggestion=f"{rate(record, 0.1)} if the maps are flat, else a smaller augmentation.affine.shift",
            hopeless=share - of_truth > 0.5,
        )

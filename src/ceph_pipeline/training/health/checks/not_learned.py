"""Predictions that are no better than the mean shape."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.training.health.finding import Symptom, has_learned, learned_limit, once_judged, relative_errors
from ceph_pipeline.training.health.record import TrainingRecord, Validation


@once_judged
def check_not_learned(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """One error where, after half of the epochs, the typical landmark is hardly found better than by the mean shape."""
    if has_learned(record, validation) or record.progress < 0.5:
        return
    relative = float(np.nanmedian(relative_errors(validation)))
    unit = f"{np.nanmean(validation.error):.1f} px of the input, the mean shape {np.nanmean(validation.guess):.1f} px"
    yield Symptom(
        "error",
        f"the typical landmark's error is {relative:.2f} of what guessing the mean shape costs (mean error {unit}). Labels that "
        "belong to other images look exactly like this, and so do a rate far off, a frozen backbone and a network too small: "
        "where no other finding names the cause, look at labels drawn on their images first.",
        value=relative,
        limit=learned_limit(record),
        suggestion="check that labels belong to their images",
        hopeless=True,
    )

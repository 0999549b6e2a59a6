"""Detects predictions that are hardly better than the mean-shape baseline."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.training.health.finding import Symptom, has_learned, learned_limit, once_judged, relative_errors
from ceph_pipeline.training.health.record import TrainingRecord, Validation


@once_judged
def check_not_learned(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """A median landmark that is hardly better than the mean-shape baseline after half of the epochs."""
    if has_learned(record, validation) or record.progress < 0.5:
        return
    relative = float(np.nanmedian(relative_errors(validation)))
    unit = f"{np.nanmean(validation.error):.1f} px of the input, the mean shape {np.nanmean(validation.guess):.1f} px"
    yield Symptom(
        "error",
        f"the median landmark's error is {relative:.2f} of the error of the mean-shape baseline (mean error {unit}). Labels of "
        "other images, a wrong learning rate, a frozen backbone and too small a network have the same symptom. Without another "
        "finding, first check labels drawn on their images.",
        value=relative,
        limit=learned_limit(record),
        suggestion="check that labels belong to their images",
        hopeless=True,
    )

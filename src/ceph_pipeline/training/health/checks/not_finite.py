"""Detects NaN or infinite losses and errors."""

import math
from collections.abc import Iterator

from ceph_pipeline.training.health.finding import Symptom, rate
from ceph_pipeline.training.health.record import TrainingRecord

_CURVES = ("train/loss", "val/loss", "val/mre_px")


def check_not_finite(record: TrainingRecord) -> Iterator[Symptom]:
    """A loss or an error that is NaN or infinite in any epoch."""
    for entry in record.epochs:
        broken = [name for name in _CURVES if not math.isfinite(entry.curves.get(name, 0.0))]
        if broken:
            yield Symptom(
                "error",
                f"{', '.join(broken)} not finite in epoch {entry.epoch}, at learning rate {entry.learning_rate:.1e}. Too high a "
                "learning rate, an overflow in half precision and NaN labels have the same symptom.",
                value=math.nan,
                limit=math.nan,
                setting="optim.learning_rate",
                suggestion=f"{rate(record, 0.1)}; if it persists, optim.precision: float32",
                hopeless=True,
            )
            return

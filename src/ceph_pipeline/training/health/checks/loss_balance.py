"""The two terms of the combined loss."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.training.health.evidence import judged
from ceph_pipeline.training.health.finding import Finding
from ceph_pipeline.training.health.record import TrainingRecord

_LIMIT = 10.0


def check_loss_balance(record: TrainingRecord) -> Iterator[Finding]:
    """One term of the combined loss pulling more than ten times as hard as the other; other losses have one term."""
    ratios = [entry.gradient_ratio for entry in record.epochs if entry.gradient_ratio is not None]
    if judged(record) is None or not ratios:
        return
    typical = float(np.median(ratios[len(ratios) // 3 :]))
    if not 1 / _LIMIT <= typical <= _LIMIT:
        yield Finding(
            "warning",
            f"the coordinate term's gradient on the heatmaps is {typical:.2g} times the heatmap term's, expected 0.1 to 10: one "
            "of them hardly takes part.",
            value=typical,
            limit=_LIMIT if typical > 1 else 1 / _LIMIT,
            setting="loss.kind",
            suggestion="dark, or cross_entropy",
        )

"""A backbone that does not learn."""

from collections.abc import Iterator

from ceph_pipeline.training.health.finding import Symptom, has_learned, once_judged
from ceph_pipeline.training.health.record import TrainingRecord, Validation


@once_judged
def check_frozen_backbone(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """A backbone that has never moved while the heads have: from random weights always a fault, else where nothing is found.

    An error where the network finds nothing, a warning where its heads make something of random features.
    """
    pretrained, learned = bool(record.settings["net.pretrained"]), has_learned(record, validation)
    if _frozen_as_planned(record) or (learned and pretrained):
        return
    moved = [entry.step_size.get("backbone", 0.0) > 0 for entry in record.epochs]
    if any(moved) or not any(entry.step_size.get("heads", 0.0) > 0 for entry in record.epochs):
        return
    result = "far from what it could be" if learned else "hardly better than a guess"
    origin = "pretrained weights; were they loaded?" if pretrained else "random weights: nobody has taught it anything."
    yield Symptom(
        "warning" if learned else "error",
        f"the backbone's weights have not changed in {len(moved)} epochs while the heads' have, and validation is {result}. "
        f"It was to start from {origin}",
        value=float(len(moved)),
        limit=0.0,
        setting="optim.unfreeze_after_epochs",
        suggestion="5 with net.pretrained, else 0",
        hopeless=not learned,
    )


def _frozen_as_planned(record: TrainingRecord) -> bool:
    """Whether the backbone's time to learn is still to come."""
    return len(record.epochs) <= int(record.settings["optim.unfreeze_after_epochs"]) < record.planned_epochs

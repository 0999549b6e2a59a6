"""Detects a backbone whose weights do not change."""

from collections.abc import Iterator

from ceph_pipeline.training.health.finding import Symptom, has_learned, once_judged
from ceph_pipeline.training.health.record import TrainingRecord, Validation


@once_judged
def check_frozen_backbone(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """A backbone whose weights have never changed, although the heads' weights have.

    A frozen backbone with random weights is always reported, one with pretrained weights only if the network finds no
    landmarks. The severity is `error` if the network finds no landmarks, else `warning`.
    """
    pretrained, learned = bool(record.settings["net.pretrained"]), has_learned(record, validation)
    if _frozen_as_planned(record) or (learned and pretrained):
        return
    moved = [entry.step_size.get("backbone", 0.0) > 0 for entry in record.epochs]
    if any(moved) or not any(entry.step_size.get("heads", 0.0) > 0 for entry in record.epochs):
        return
    result = "limited by random features" if learned else "hardly better than the mean-shape baseline"
    origin = "pretrained weights: check that they were loaded." if pretrained else "random weights, without any training."
    yield Symptom(
        "warning" if learned else "error",
        f"the backbone's weights have not changed in {len(moved)} epochs while the heads' have, and validation is {result}. "
        f"The backbone starts from {origin}",
        value=float(len(moved)),
        limit=0.0,
        setting="optim.unfreeze_after_epochs",
        suggestion="5 with net.pretrained, else 0",
        hopeless=not learned,
    )


def _frozen_as_planned(record: TrainingRecord) -> bool:
    """Whether the backbone is still frozen according to the parameters."""
    return len(record.epochs) <= int(record.settings["optim.unfreeze_after_epochs"]) < record.planned_epochs

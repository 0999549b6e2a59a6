"""A backbone that does not learn."""

from collections.abc import Iterator

from ceph_pipeline.training.health.evidence import has_learned, judged
from ceph_pipeline.training.health.finding import Finding
from ceph_pipeline.training.health.record import TrainingRecord


def check_frozen_backbone(record: TrainingRecord) -> Iterator[Finding]:
    """One error where the backbone has never moved, the heads have, and the network finds nothing."""
    validation = judged(record)
    if validation is None or has_learned(record, validation):
        return
    moved = [entry.step_size.get("backbone", 0.0) > 0 for entry in record.epochs]
    if any(moved) or not any(entry.step_size.get("heads", 0.0) > 0 for entry in record.epochs):
        return
    pretrained = bool(record.settings["net.pretrained"])
    yield Finding(
        "error",
        f"the backbone's weights have not changed in {len(moved)} epochs while the heads' have, and validation is hardly better "
        f"than a guess. It was to start from {'pretrained' if pretrained else 'random'} weights"
        + ("; were they loaded?" if pretrained else ": nobody has taught it anything, and frozen it cannot learn."),
        value=float(len(moved)),
        limit=0.0,
        setting="optim.unfreeze_after_epochs",
        suggestion="5 with net.pretrained, else 0",
        hopeless=True,
    )

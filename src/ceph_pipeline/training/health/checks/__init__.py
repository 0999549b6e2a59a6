"""The checks. A new check is a function `(record) -> findings` and a line in `CHECKS`."""

from collections.abc import Callable, Iterable

from ceph_pipeline.training.health.checks.collapse import check_collapsed_images, check_collapsed_landmarks
from ceph_pipeline.training.health.checks.dead_channels import check_dead_channels
from ceph_pipeline.training.health.checks.frame import check_border, check_out_of_range
from ceph_pipeline.training.health.checks.frozen import check_frozen_backbone
from ceph_pipeline.training.health.checks.not_finite import check_not_finite
from ceph_pipeline.training.health.checks.not_learned import check_not_learned
from ceph_pipeline.training.health.checks.rate import check_rate_too_high, check_stuck
from ceph_pipeline.training.health.checks.validation_course import check_flat_validation, check_overfitting, check_sudden_drop
from ceph_pipeline.training.health.finding import Symptom
from ceph_pipeline.training.health.record import TrainingRecord

Check = Callable[[TrainingRecord], Iterable[Symptom]]

CHECKS: dict[str, Check] = {
    "not_finite": check_not_finite,
    "rate_too_high": check_rate_too_high,
    "stuck": check_stuck,
    "frozen_backbone": check_frozen_backbone,
    "not_learned": check_not_learned,
    "collapsed_images": check_collapsed_images,
    "collapsed_landmarks": check_collapsed_landmarks,
    "dead_channels": check_dead_channels,
    "out_of_range": check_out_of_range,
    "border": check_border,
    "sudden_drop": check_sudden_drop,
    "overfitting": check_overfitting,
    "flat_validation": check_flat_validation,
}
"""Checks by their name in the findings table: causes first, then symptoms."""


def run_checks(record: TrainingRecord) -> dict[str, Symptom]:
    """Findings by check; each check has at most one finding."""
    return {name: finding for name, check in CHECKS.items() for finding in check(record)}

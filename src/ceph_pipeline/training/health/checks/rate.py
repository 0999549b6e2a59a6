"""Detects learning rates that are too high or too low."""

from collections.abc import Iterator
from itertools import pairwise

from ceph_pipeline.training.health.finding import Symptom, has_learned, once_judged, rate
from ceph_pipeline.training.health.record import TrainingRecord, Validation

_LARGE_STEP = 0.06
"""Maximum change of the weights in one step, relative to their size.

Measured on phantoms (seeds 1–3): below 0.02 in healthy trainings, below 0.04 for heads of frozen backbones, and 0.11 to 0.14 at
the start with a learning rate 100 times too high."""

_SHORT_PATH = 0.15
"""Minimum sum of all steps, relative to the weights' size. Healthy trainings on phantoms reach 0.5 and more."""


@once_judged
def check_rate_too_high(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Steps that are too large; an error if the network finds no landmarks, else a warning."""
    largest = max(record.epochs, key=lambda entry: max(entry.step_size.values(), default=0.0))
    part, size = max(largest.step_size.items(), key=lambda item: item[1])
    if size > _LARGE_STEP:
        learned = has_learned(record, validation)
        outcome = (
            "the network has learned nevertheless, because weights before a normalisation can grow until the learning rate fits"
            if learned
            else "validation is hardly better than the mean-shape baseline"
        )
        yield Symptom(
            "warning" if learned else "error",
            f"one step changed the weights of the {part} by {size:.0%} of their size (epoch {largest.epoch}, learning rate "
            f"{largest.learning_rate:.1e}); {outcome}. Training loss {_course(record)}.",
            value=size,
            limit=_LARGE_STEP,
            setting="optim.learning_rate",
            suggestion=rate(record, max(0.01, 0.1 * _LARGE_STEP / size)),
            hopeless=not learned,
        )


@once_judged
def check_stuck(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """Steps that are too small: the weights have hardly changed."""
    if has_learned(record, validation):
        return
    path = sum(entry.steps * max(entry.step_size.values(), default=0.0) for entry in record.epochs)
    if path < _SHORT_PATH:
        yield Symptom(
            "error",
            f"in {sum(entry.steps for entry in record.epochs)} steps the weights moved by at most {path:.1%} of their size, and "
            f"validation is hardly better than the mean-shape baseline. Training loss {_course(record)}. Too few steps have the "
            "same symptom.",
            value=path,
            limit=_SHORT_PATH,
            setting="optim.learning_rate",
            suggestion=rate(record, min(100.0, 5 * _SHORT_PATH / max(path, 1e-9))),
            hopeless=True,
        )


def _course(record: TrainingRecord) -> str:
    _, loss = record.curve("train/loss")
    rises = sum(after > before for before, after in pairwise(loss))
    return f"{loss[0]:.3g} at first, {loss[-1]:.3g} now, rising in {rises} of {len(loss) - 1} epochs"

"""Detects validation curves that worsen, stay far above training, stagnate or jump."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks.geometry import mean_of_known
from ceph_pipeline.training.health.finding import Symptom, has_learned, judged, learned_limit, lost_landmarks, once_judged, rate
from ceph_pipeline.training.health.record import TrainingRecord, Validation

_GAP = 1.5
"""Maximum ratio of validation loss to training loss.

Measured on phantoms (seeds 1–3): 0.9–1.1 in healthy trainings; for 20 images without augmentation, 2.1 with cross-entropy and
4.4 with the combined loss."""

_WORSENING = 0.15
"""Maximum increase of the validation loss above its minimum, as a share of the minimum."""

_RECENT = 0.4
"""Share of the completed validations that is regarded as recent."""

_STANDSTILL, _PROGRESS = 0.03, 0.25
"""Maximum recent improvement of validation, and minimum recent improvement of training."""

_JUMP = 1.5
"""Minimum ratio of the validation error to the previous best in a jump."""


@once_judged
def check_overfitting(record: TrainingRecord, validation: Validation) -> Iterator[Symptom]:
    """A validation loss that rises while the training loss falls, or is far above it.

    Trainings with a lost landmark are ignored, because a lost landmark has the same effect.
    """
    epochs, train, valid = _losses(record)
    if not has_learned(record, validation) or lost_landmarks(record, validation).any() or len(valid) < 4:
        return
    best = int(np.argmin(valid))
    rise, gap = valid[-1] / valid[best] - 1, valid[-1] / train[-1]
    worsens = rise > _WORSENING and train[-1] < train[best]
    if worsens or gap > _GAP:
        yield Symptom(
            "warning",
            f"validation loss is {gap:.1f} times the training loss ({valid[-1]:.3g} and {train[-1]:.3g}{_floor_note(record)}), "
            f"and {rise:.0%} above its minimum (epoch {epochs[best]:.0f}). Near-duplicates of validation images in "
            "the training split hide overfitting; validation images that differ from the training images have the same symptom.",
            value=rise if worsens else gap,
            limit=_WORSENING if worsens else _GAP,
            setting="augmentation",
            suggestion="the kinds of conf/base, with wider ranges; then net.dropout, more images, fewer epochs",
        )


def check_flat_validation(record: TrainingRecord) -> Iterator[Symptom]:
    """A validation loss without recent improvement, although the training loss still falls."""
    _, train, valid = _losses(record)
    recent = max(1, round(_RECENT * len(valid)))
    if judged(record) is None or len(valid) < 5:
        return
    gain = 1 - valid[-recent:].min() / valid[:-recent].min()
    of_training = 1 - train[-recent:].min() / train[:-recent].min()
    if gain < _STANDSTILL and of_training > _PROGRESS:
        yield Symptom(
            "warning",
            f"over the last {recent} validations the best validation loss has improved by {max(gain, 0):.0%} while training loss "
            f"fell by {of_training:.0%}. Early overfitting and too high a learning rate have the same symptom.",
            value=gain,
            limit=_STANDSTILL,
            setting="optim.learning_rate",
            suggestion=f"{rate(record, 0.3)}; with a frozen backbone unfreeze it, with early stopping raise loop.patience",
        )


def check_sudden_drop(record: TrainingRecord) -> Iterator[Symptom]:
    """A jump of the validation error after the network had learned."""
    validated = record.validated()
    errors = np.array([mean_of_known(np.array(validation.error)) for _, validation in validated])
    guess = [float(mean_of_known(np.array(validation.guess))) for _, validation in validated]
    for n in range(1, len(errors)):
        best = errors[:n].min()
        if best < learned_limit(record) * guess[n] and errors[n] > _JUMP * best and errors[n] > _JUMP * errors[n - 1]:
            lost = bool(errors[-1] > _JUMP * best)
            yield Symptom(
                "error" if lost else "warning",
                f"validation error jumped from {errors[n - 1]:.1f} to {errors[n]:.1f} px of the input in epoch "
                f"{validated[n][0]}, {errors[n] / best:.1f} times the previous best, and has {'not ' * lost}recovered "
                f"({errors[-1]:.1f} px now). A single batch of wrong labels can cause a jump at a high learning rate.",
                value=float(errors[n] / best),
                limit=_JUMP,
                setting="optim.learning_rate",
                suggestion=f"{rate(record, 0.3)}, a lower optim.clip_norm, or optim.ema_decay 0.999",
            )
            return


def _losses(record: TrainingRecord) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Epochs with known losses, and their training and validation loss, minus the loss of a perfect network."""
    rows: list[Any] = [
        (entry.epoch, entry.curves["train/loss"], entry.curves["val/loss"])
        for entry in record.epochs
        if "val/loss" in entry.curves
    ]
    values = np.array(rows, np.float64).reshape(-1, 3)
    values = values[np.isfinite(values).all(axis=1)]
    train, valid = np.maximum(values[:, 1:] - _floor(record), 1e-6).T
    return values[:, 0], train, valid


def _floor(record: TrainingRecord) -> float:
    """The loss of a perfect network: the entropy of the target with cross-entropy, else 0."""
    if record.settings["loss.kind"] != "cross_entropy":
        return 0.0
    return 1 + math.log(2 * math.pi * record.settings["loss.sigma_px"] ** 2)


def _floor_note(record: TrainingRecord) -> str:
    floor = _floor(record)
    return f", above the {floor:.2f} of a perfect network" if floor else ""

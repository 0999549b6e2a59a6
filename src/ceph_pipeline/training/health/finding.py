"""The result of a check, and criteria that several checks share."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.training.health.record import TrainingRecord, Validation


class Symptom(NamedTuple):
    """One symptom, its evidence and its remedy.

    Attributes:
        severity: `error` if the trained network is unusable, `warning` if a parameter should be changed.
        detail: One or two sentences with the numbers, and other causes of the same symptom.
        value: The evidence as one number.
        limit: The threshold that the value crossed.
        setting: Dotted name of the parameter to change, without the stage; empty if no parameter helps.
        suggestion: The parameter's new value, or another remedy.
        hopeless: Whether further training cannot succeed.
    """

    severity: Literal["warning", "error"]
    detail: str
    value: float
    limit: float
    setting: str = ""
    suggestion: str = ""
    hopeless: bool = False


_LEARNED = {"stage1": 0.45, "stage2": 0.9}
"""Maximum error of a trained network, as a share of the error of the mean-shape baseline.

Measured on whole phantoms (seeds 1–3): healthy trainings reach 0.10–0.25, backbones frozen at random weights 0.63 and more,
shuffled labels 0.9–1. The threshold of stage 2 is higher, because crops are centred near the truth, and the baseline is
therefore already accurate."""

LOST = 4.0
"""A landmark is lost if its relative error exceeds this multiple of the median.

Measured on phantoms (seeds 1–3): the worst landmark of a healthy training has 1.5–2.5 times the median error, a landmark with
missing labels 19 times and more."""

NO_BETTER_THAN_A_GUESS = 0.9
"""A lost landmark's error also exceeds this share of the baseline's error.

A difficult landmark can have a multiple of the median error: in a healthy training, Porion of ISBI 2015 has 0.55 of the
baseline's error, which is 4.3 times the median."""

GRACE = 1 / 3
"""Share of the epochs at the start in which predictions are not checked, because heatmaps may still be flat."""

MIN_VALIDATIONS = 5
"""Minimum number of validations before predictions are checked; trials of a few epochs have no findings."""


def judged(record: TrainingRecord) -> Validation | None:
    """The last validation if predictions can be checked, after a third of the epochs and five validations; else None."""
    validated = record.validated()
    if record.progress < GRACE or len(validated) < MIN_VALIDATIONS:
        return None
    return validated[-1][1]


def once_judged(
    check: Callable[[TrainingRecord, Validation], Iterator[Symptom]],
) -> Callable[[TrainingRecord], Iterator[Symptom]]:
    """Convert a check of the last validation to a check of the record, without findings until predictions can be checked."""

    @wraps(check)
    def waiting(record: TrainingRecord) -> Iterator[Symptom]:
        validation = judged(record)
        if validation is not None:
            yield from check(record, validation)

    return waiting


def relative_errors(validation: Validation) -> NDArray[np.float64]:
    """`(K,)` errors relative to the mean-shape baseline: 0 is perfect, 1 equals the baseline; NaN where unknown."""
    guess = np.array(validation.guess)
    return np.array(validation.error) / np.where(guess > 0, guess, np.nan)


def learned_limit(record: TrainingRecord) -> float:
    """Threshold of the relative error below which a landmark is regarded as learned."""
    return _LEARNED[record.stage]


def has_learned(record: TrainingRecord, validation: Validation) -> bool:
    """Whether the median landmark is much better than the baseline; also True if no error is known."""
    relative = relative_errors(validation)
    return bool(np.isnan(relative).all() or np.nanmedian(relative) < learned_limit(record))


def lost_landmarks(record: TrainingRecord, validation: Validation) -> NDArray[np.bool_]:
    """`(K,)` landmarks that are not found although the median landmark is; all False if the median landmark is not found."""
    relative = relative_errors(validation)
    if np.isnan(relative).all() or not has_learned(record, validation):
        return np.zeros(len(relative), bool)
    return (relative > LOST * np.nanmedian(relative)) & (relative > NO_BETTER_THAN_A_GUESS)


def rate(record: TrainingRecord, factor: float) -> str:
    """The suggested learning rate: the current one times a factor; the search for the learning rate must then be disabled."""
    suggested = f"{min(record.settings['optim.learning_rate'] * factor, 1.0):.1g}"
    return f"{suggested}, with loop.find: null" if record.settings["loop.find"] == "learning_rate" else suggested

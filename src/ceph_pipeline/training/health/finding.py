"""What a check reports, and the questions that several checks ask of a record."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.training.health.record import TrainingRecord, Validation


class Symptom(NamedTuple):
    """One symptom, its evidence and its remedy.

    Attributes:
        severity: `error` where what was trained is of no use, `warning` where a setting wants to be changed.
        detail: One sentence or two with the numbers, and what the symptom cannot be told apart from.
        value: The evidence as one number.
        limit: Which the value crossed.
        setting: Dotted name of the parameter to change, without the stage's; empty where none helps.
        suggestion: Its new value, or what to do.
        hopeless: Going on is a waste.
    """

    severity: Literal["warning", "error"]
    detail: str
    value: float
    limit: float
    setting: str = ""
    suggestion: str = ""
    hopeless: bool = False


_LEARNED = {"stage1": 0.45, "stage2": 0.9}
"""Errors of a network that has learned are below this share of a guess's. Measured on whole phantoms (seeds 1–3): healthy
trainings reach 0.10–0.25, backbones frozen at random weights 0.63 and more, shuffled labels 0.9–1. Crops are centred near the
truth, so that guessing their centre is not far off to begin with."""

LOST = 4.0
"""A landmark whose error is this many times the median's is lost. Measured on phantoms (seeds 1–3): the worst landmark of a
healthy training has 1.5–2.5 times the median's error, one whose labels were missing 19 and more."""

NO_BETTER_THAN_A_GUESS = 0.9
"""Of a guess's error. A hard landmark may be far above the median: Porion of ISBI 2015 has 0.55 of a guess's error, 4.3 times the
median's, in a healthy training."""

GRACE = 1 / 3
"""Share of the epochs in which maps may still be flat and predictions anywhere."""

MIN_VALIDATIONS = 5
"""Before which nothing is said about predictions: trials of a few epochs have no finding."""


def judged(record: TrainingRecord) -> Validation | None:
    """The last validation, once predictions may be judged: after a third of the epochs and five validations; None before."""
    validated = record.validated()
    if record.progress < GRACE or len(validated) < MIN_VALIDATIONS:
        return None
    return validated[-1][1]


def once_judged(
    check: Callable[[TrainingRecord, Validation], Iterator[Symptom]],
) -> Callable[[TrainingRecord], Iterator[Symptom]]:
    """A check of the last validation as one of the record: it says nothing before predictions may be judged."""

    @wraps(check)
    def waiting(record: TrainingRecord) -> Iterator[Symptom]:
        validation = judged(record)
        if validation is not None:
            yield from check(record, validation)

    return waiting


def relative_errors(validation: Validation) -> NDArray[np.float64]:
    """`(K,)` errors relative to a guess that never looks at the image: 0 is perfect, 1 no better; NaN where unknown."""
    guess = np.array(validation.guess)
    return np.array(validation.error) / np.where(guess > 0, guess, np.nan)


def learned_limit(record: TrainingRecord) -> float:
    """Relative error below which a landmark counts as learned."""
    return _LEARNED[record.stage]


def has_learned(record: TrainingRecord, validation: Validation) -> bool:
    """Whether the typical landmark is found much better than by a guess; also where none can be judged."""
    relative = relative_errors(validation)
    return bool(np.isnan(relative).all() or np.nanmedian(relative) < learned_limit(record))


def lost_landmarks(record: TrainingRecord, validation: Validation) -> NDArray[np.bool_]:
    """`(K,)` landmarks that are not found while the typical one is; none where that is not either."""
    relative = relative_errors(validation)
    if np.isnan(relative).all() or not has_learned(record, validation):
        return np.zeros(len(relative), bool)
    return (relative > LOST * np.nanmedian(relative)) & (relative > NO_BETTER_THAN_A_GUESS)


def rate(record: TrainingRecord, factor: float) -> str:
    """The learning rate to suggest: the one that it trains with times a factor; a searched one is to be set by hand then."""
    suggested = f"{min(record.settings['optim.learning_rate'] * factor, 1.0):.1g}"
    return f"{suggested}, with loop.find: null" if record.settings["loop.find"] == "learning_rate" else suggested

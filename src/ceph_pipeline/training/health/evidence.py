"""Questions that several checks ask of a record."""

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.training.health.record import TrainingRecord, Validation

LEARNED = 0.6
"""Errors of a network that has learned are below this share of a guess's. Measured on phantoms (seeds 1–3): healthy trainings
reach 0.1–0.3, trainings on shuffled labels 0.8–1."""

GRACE = 1 / 3
"""Share of the epochs in which maps may still be flat and predictions anywhere."""

MIN_VALIDATIONS = 5
"""Before which nothing is said about predictions: trials of a few epochs are silent."""


def judged(record: TrainingRecord) -> Validation | None:
    """The last validation, once predictions may be judged: after a third of the epochs and five validations; None before."""
    validated = record.validated()
    if record.progress < GRACE or len(validated) < MIN_VALIDATIONS:
        return None
    return validated[-1][1]


def relative_errors(validation: Validation) -> NDArray[np.float64]:
    """`(K,)` errors relative to a guess that never looks at the image: 0 is perfect, 1 no better; NaN where unknown."""
    guess = np.array(validation.guess)
    return np.array(validation.error) / np.where(guess > 0, guess, np.nan)


def has_learned(validation: Validation) -> bool:
    """Whether the typical landmark is found much better than by a guess; also where none can be judged."""
    relative = relative_errors(validation)
    return bool(np.isnan(relative).all() or np.nanmedian(relative) < LEARNED)


def rate(record: TrainingRecord, factor: float) -> str:
    """The learning rate to suggest: the configured one times a factor."""
    return f"{record.settings['optim.learning_rate'] * factor:.1g}"

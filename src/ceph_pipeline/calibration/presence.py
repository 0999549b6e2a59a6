"""Whether a film shows a ruler at all, by the heatmaps' peaks; the least peak is learned on validation images."""

import json
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from ceph_pipeline.calibration.params import CalibrationParams
from ceph_pipeline.calibration.ruler import CalibrationError
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array

logger = logging.getLogger(__name__)

PRESENCE_FILE = "ruler.json"

UNLEARNED_MIN_PEAK = 0.2
"""Where no validation film is without a ruler (or with one), nothing can be learned."""

_CERTAIN = (1e-3, 1 - 1e-3)
"""Peaks beyond these count as these."""


class Presence(NamedTuple):
    """From when on there is a ruler.

    Attributes:
        min_peak: Least peak of the weaker mark.
        n_shown: Validation films with a ruler that it was learned from.
        n_absent: Those without.
    """

    min_peak: float
    n_shown: int
    n_absent: int

    @property
    def is_learned(self) -> bool:
        """Whether films of both kinds were there to learn from, and their peaks differ."""
        return self.n_shown > 0 and self.n_absent > 0 and self.min_peak != UNLEARNED_MIN_PEAK


def weaker_peaks(predictions: pd.DataFrame) -> "pd.Series[float]":
    """The lower of both marks' peaks by image identifier, from rows of one stage."""
    marks = predictions[predictions["landmark"].isin(RULER_MARKS)]
    return marks.groupby("image_id", sort=False)["peak"].min()


def rulers_shown(landmarks: pd.DataFrame, image_ids: list[str]) -> "pd.Series[bool]":
    """Whether each image shows a ruler, by one reader's points; images with one mark of two are left out."""
    n_marks = marks_known(landmarks, image_ids).sum(axis=1)
    both = [bool(n == len(RULER_MARKS)) for n in n_marks if n != 1]
    return pd.Series(both, index=[image_id for image_id, n in zip(image_ids, n_marks, strict=True) if n != 1], dtype=bool)


def marks_known(landmarks: pd.DataFrame, image_ids: list[str]) -> NDArray[np.bool_]:
    """`(N, 2)`, which of each image's marks one reader's points have."""
    marks = points_array(landmarks[landmarks["landmark"].isin(RULER_MARKS)], image_ids, RULER_MARKS)
    return np.asarray(np.isfinite(marks).all(axis=-1))


def read_presence(models: Path) -> Presence:
    """What the `ruler` pipeline has left among the models; the unlearned rule where it has not run.

    Raises:
        CalibrationError: the file is damaged.
    """
    file = models / PRESENCE_FILE
    if not file.is_file():
        return Presence(UNLEARNED_MIN_PEAK, 0, 0)
    try:
        rule = Presence(**json.loads(file.read_text(encoding="utf-8")))
        if not np.isfinite(rule.min_peak):
            raise ValueError(f"min_peak is {rule.min_peak}")
        return rule
    except (ValueError, TypeError, RecursionError) as error:
        raise CalibrationError(f"{file}: damaged ({error}). Delete it, and run the pipeline ruler again.") from None


def least_peak(params: CalibrationParams, models: Path) -> float:
    """From which peak on there is a ruler: what the configuration says, else what was learned of the networks in a folder."""
    return params.min_peak or read_presence(models).min_peak


def learn_presence(peaks: "pd.Series[float]", shown: "pd.Series[bool]") -> Presence:
    """The least peak that makes the fewest mistakes on validation images; of several, the middle of the widest gap.

    Gaps are those of log-odds: a peak of 0.3 is far from the 0.01 of films without a ruler, and near 0.7.

        >>> learn_presence(pd.Series([0.1, 0.2, 0.8, 0.9], list("abcd")), pd.Series([False, False, True, True], list("abcd")))
        Presence(min_peak=0.5, n_shown=2, n_absent=2)

    Args:
        peaks: From `weaker_peaks`.
        shown: From `rulers_shown`, of the same images.
    """
    there = shown.reindex(peaks.index).dropna().astype(bool)
    values = np.asarray(peaks[there.index], np.float64)
    n_shown = int(there.sum())
    if n_shown in (0, len(there)):
        return Presence(UNLEARNED_MIN_PEAK, n_shown, len(there) - n_shown)
    return Presence(_best_cut(values, there.to_numpy(np.bool_)), n_shown, len(there) - n_shown)


def _best_cut(values: NDArray[np.float64], shown: NDArray[np.bool_]) -> float:
    odds = logit(np.clip(values, *_CERTAIN))
    distinct = np.unique(odds)
    if len(distinct) == 1:
        return UNLEARNED_MIN_PEAK
    cuts, gaps = (distinct[1:] + distinct[:-1]) / 2, np.diff(distinct)
    mistakes = ((odds[:, None] >= cuts) != shown[:, None]).sum(axis=0)
    if mistakes.min() > min(shown.sum(), (~shown).sum()):
        logger.warning("ruler detection: no threshold separates the peaks of films with and without a ruler; the default is used")
        return UNLEARNED_MIN_PEAK
    best = np.flatnonzero(mistakes == mistakes.min())
    return float(expit(cuts[best[np.argmax(gaps[best])]]))

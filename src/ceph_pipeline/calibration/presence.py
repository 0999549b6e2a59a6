"""Detection of whether a film shows a ruler, by a threshold on the heatmaps' peaks that is learned on validation images."""

import json
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

PRESENCE_FILE = "ruler.json"

UNLEARNED_MIN_PEAK = 0.2
"""Default threshold, used if all films have or all lack a ruler, or if no threshold separates their peaks."""

_CERTAIN = (1e-3, 1 - 1e-3)
"""Peaks are clipped to this range."""


class Presence(NamedTuple):
    """The rule by which a film shows a ruler.

    Attributes:
        min_peak: Threshold on the peak of the weaker mark.
        n_shown: Number of validation films with a ruler.
        n_absent: Number of validation films without a ruler.
    """

    min_peak: float
    n_shown: int
    n_absent: int

    @property
    def is_learned(self) -> bool:
        """Whether the threshold was learned from films with and without a ruler, whose peaks a threshold separates."""
        return self.n_shown > 0 and self.n_absent > 0 and self.min_peak != UNLEARNED_MIN_PEAK


def weaker_peaks(predictions: pd.DataFrame) -> "pd.Series[float]":
    """The lower peak of the two marks, by image identifier, from rows of one stage."""
    marks = predictions[predictions["landmark"].isin(RULER_MARKS)]
    return marks.groupby("image_id", sort=False)["peak"].min()


def rulers_shown(landmarks: pd.DataFrame, image_ids: list[str]) -> "pd.Series[bool]":
    """Whether each image shows a ruler, by one reader's points; images with only one mark are left out."""
    n_marks = marks_known(landmarks, image_ids).sum(axis=1)
    both = [bool(n == len(RULER_MARKS)) for n in n_marks if n != 1]
    return pd.Series(both, index=[image_id for image_id, n in zip(image_ids, n_marks, strict=True) if n != 1], dtype=bool)


def marks_known(landmarks: pd.DataFrame, image_ids: list[str]) -> NDArray[np.bool_]:
    """Whether each of the two marks exists in one reader's points, `(N, 2)`."""
    marks = points_array(landmarks[landmarks["landmark"].isin(RULER_MARKS)], image_ids, RULER_MARKS)
    return np.asarray(np.isfinite(marks).all(axis=-1))


def read_presence(models: Path) -> Presence:
    """The rule written by the `ruler` pipeline into the models' folder; the default rule if there is none.

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
        raise CalibrationError(f"{file}: damaged ({error}). Delete the file and run the pipeline ruler again.") from None


def least_peak(params: CalibrationParams, models: Path) -> float:
    """The threshold on the peak: the configured one, otherwise the one learned for the networks in a folder."""
    return params.min_peak or read_presence(models).min_peak


def learn_presence(peaks: "pd.Series[float]", shown: "pd.Series[bool]") -> Presence:
    """The threshold with the fewest errors on validation images; of several, the middle of the widest gap.

    Gaps are measured in log-odds: a peak of 0.3 is far from 0.01, typical of films without a ruler, and close to 0.7.
    The default is used if a threshold below or above all peaks makes fewer errors than every threshold between them.

        >>> learn_presence(pd.Series([0.1, 0.2, 0.8, 0.9], list("abcd")), pd.Series([False, False, True, True], list("abcd")))
        Presence(min_peak=0.5, n_shown=2, n_absent=2)

    Args:
        peaks: Result of `weaker_peaks`.
        shown: Result of `rulers_shown` for the same images.
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
        return UNLEARNED_MIN_PEAK
    best = np.flatnonzero(mistakes == mistakes.min())
    return float(expit(cuts[best[np.argmax(gaps[best])]]))

"""Choice of the evaluated landmarks: all, those that two data sets share, or a set from a paper."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ceph_pipeline.evaluation.errors import EvaluationError
from ceph_pipeline.landmarks import SCHEMAS, UnknownLandmarkError, find

COMMON = "common"
Wanted = str | Sequence[str] | None
"""None: all annotated landmarks; `common`: those that are also predicted; a schema's name; or names, symbols or aliases."""


def evaluated_landmarks(predicted: Sequence[str], annotated: Sequence[str], wanted: Wanted) -> list[str]:
    """Full names of the evaluated landmarks, in the order of the annotated landmarks.

        >>> evaluated_landmarks(["Sella", "Nasion", "Ramus"], ["Nasion", "Sella", "Basion"], "common")
        ['Nasion', 'Sella']
        >>> evaluated_landmarks(["Sella"], ["Nasion", "Sella", "Basion"], ["S", "N"])
        ['Nasion', 'Sella']

    Args:
        predicted: Full names of the detector's landmarks.
        annotated: Full names of the data set's landmarks.
        wanted: Value of `evaluation.landmarks`.

    Raises:
        EvaluationError: a name is unknown or not annotated, or no landmark is left.
    """
    if wanted is None:
        return list(annotated)
    if wanted == COMMON:
        names = set(predicted)
    else:
        names = set(SCHEMAS[wanted].names) if isinstance(wanted, str) and wanted in SCHEMAS else _named(wanted, annotated)
    chosen = [name for name in annotated if name in names]
    if not chosen:
        raise EvaluationError(
            f"evaluation.landmarks = {wanted!r}: none of {len(predicted)} predicted landmarks ({', '.join(predicted[:3])}, …) is "
            f"among the {len(annotated)} annotated ones ({', '.join(annotated[:3])}, …)."
        )
    return chosen


def only_evaluated(points: pd.DataFrame, landmarks: pd.DataFrame, wanted: Wanted) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions and annotations of the evaluated landmarks; for None all landmarks, also if one table lacks them."""
    if wanted is None or points.empty:
        return points, landmarks
    predicted, annotated = (list(table["landmark"].unique()) for table in (points, landmarks))
    names = evaluated_landmarks(predicted, annotated, wanted)
    return points[points["landmark"].isin(names)], landmarks[landmarks["landmark"].isin(names)]


def _named(wanted: str | Sequence[str], annotated: Sequence[str]) -> set[str]:
    keys = [wanted] if isinstance(wanted, str) else wanted
    names = {key if key in annotated else _full_name(key) for key in keys}
    absent = sorted(names - set(annotated))
    if absent:
        raise EvaluationError(f"evaluation.landmarks: {absent[0]!r} is not annotated in this data set ({', '.join(annotated)}).")
    return names


def _full_name(key: str) -> str:
    try:
        return find(key).name
    except UnknownLandmarkError as error:
        raise EvaluationError(f"evaluation.landmarks: {error} Other values: `common`, {', '.join(SCHEMAS)}.") from None

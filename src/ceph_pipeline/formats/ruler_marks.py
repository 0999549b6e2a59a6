"""Detection of unusable pairs of ruler marks: both in one place, or exchanged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.formats.problems import Problem
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array

ONE_SPOT_PX = 0.5
"""Marks that are closer than this are in one place and give no pixel size."""
LEAST_PAIRS = 5
"""Least number of pairs from which the usual direction of the ruler is derived."""
ONE_WAY = 0.5
"""Least length of the mean of all pairs' unit vectors for a common direction; at least three of four pairs then have it."""


def unusable_marks(landmarks: pd.DataFrame, sources: Mapping[tuple[str, str], str]) -> tuple[pd.Series[bool], list[Problem]]:
    """Rows of marks to quarantine, and the reasons.

    The ruler has the same direction in every film of a data set. In a pair with the opposite direction, the two marks were
    exchanged. Averaged with other readers' marks, such a pair would give a ruler without length.

    Args:
        landmarks: The readers' points, px.
        sources: Annotation file by (image, reader).
    """
    marks = landmarks["landmark"].isin(RULER_MARKS)
    groups = list(landmarks[marks].groupby("reader"))
    none = pd.Series(False, landmarks.index)
    if not groups:
        return none, []
    keys = [(str(image_id), str(reader)) for reader, rows in groups for image_id in rows["image_id"].unique()]
    ends = np.concatenate([points_array(rows, rows["image_id"].unique().tolist(), RULER_MARKS) for _, rows in groups])
    wrong = _why_unusable(ends[:, 1] - ends[:, 0])
    found = {key: reason for key, reason in zip(keys, wrong, strict=True) if reason is not None}
    rows = pd.MultiIndex.from_frame(landmarks[["image_id", "reader"]]).isin(list(found))
    problems = [
        Problem(
            f"{image_id}/{mark}", sources.get((image_id, reader), image_id), f"{reader}, {mark}", *reason, "point quarantined"
        )
        for (image_id, reader), reason in found.items()
        for mark in RULER_MARKS
    ]
    return marks & rows, problems


def _why_unusable(rulers: NDArray[np.float64]) -> list[tuple[str, str] | None]:
    """The found and expected texts for each ruler `(N, 2)` from p1 to p2, px; None for usable rulers."""
    lengths = np.linalg.norm(rulers, axis=-1)
    spots = lengths < ONE_SPOT_PX
    pairs = np.isfinite(lengths) & ~spots
    ways = rulers / np.where(pairs, lengths, np.nan)[:, None]
    usual = np.nanmean(ways, axis=0) if pairs.sum() >= LEAST_PAIRS else np.zeros(2)
    against = (ways @ usual < -ONE_WAY * np.linalg.norm(usual)) & (np.linalg.norm(usual) >= ONE_WAY)
    count = f"{int((pairs & ~against).sum())} of {int(pairs.sum())} rulers have the opposite direction"
    exchanged = (f"p1 and p2 are exchanged: {count}", "the same mark at the same end of the ruler in every film")
    return [
        (f"p1 and p2 only {length:.2g} px apart", "the ruler's two ends") if spot else exchanged if turned else None
        for length, spot, turned in zip(lengths.tolist(), spots.tolist(), against.tolist(), strict=True)
    ]

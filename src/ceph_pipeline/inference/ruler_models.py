"""Networks of their own that locate the ruler's marks, beside those that locate the landmarks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.detector import LandmarkDetector
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.landmarks import RULER_MARKS

if TYPE_CHECKING:
    from ceph_pipeline.detector import DetectorParams
    from ceph_pipeline.inference.params import InferenceParams


def ruler_folder_for(landmarks: Iterable[str], params: InferenceParams) -> Path | None:
    """The folder of `inference.ruler_models`, where these landmarks lack the ruler's marks."""
    return None if set(RULER_MARKS) <= set(landmarks) else params.ruler_folder


def load_ruler_detector(folder: Path, params: DetectorParams) -> LandmarkDetector:
    """The detector of `inference.ruler_models`.

    Raises:
        DetectorError: it locates no marks; or as `LandmarkDetector.load`.
    """
    detector = LandmarkDetector.load(folder, params.in_one_view())
    if not set(RULER_MARKS) <= set(detector.landmarks):
        raise DetectorError(
            f"inference.ruler_models = {folder}: its networks locate {len(detector.landmarks)} landmarks, but not the ruler's "
            f"marks {' and '.join(RULER_MARKS)}. Name networks that were trained with --env ruler, or set it to null."
        )
    return detector


def with_marks(predictions: pd.DataFrame, of_ruler: pd.DataFrame) -> pd.DataFrame:
    """The landmarks' predictions and, of the ruler detector's, the marks."""
    return pd.concat([predictions, of_ruler[of_ruler["landmark"].isin(RULER_MARKS)]], ignore_index=True)

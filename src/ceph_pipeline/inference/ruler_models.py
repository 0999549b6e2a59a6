"""Pixel sizes of new films from their ruler, whose marks may be located by separate networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.calibration.pixel_size import pixel_sizes
from ceph_pipeline.calibration.presence import least_peak
from ceph_pipeline.detector import LandmarkDetector
from ceph_pipeline.detector.files import models_folder_of
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.landmarks import RULER_MARKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ceph_pipeline.calibration import CalibrationParams
    from ceph_pipeline.detector import DetectorParams
    from ceph_pipeline.inference.params import InferenceParams


@dataclass(frozen=True)
class RulerSizing:
    """Decides pixel sizes of films whose landmarks are located.

    Attributes:
        detector: Locates the ruler marks; None if the landmark detector locates the marks itself, or no detector does.
        min_peak: Threshold of the peaks of both marks, from which on a film is taken to show a ruler.
        calibration: Length of the ruler, tolerances, and the order of the pixel-size sources.
    """

    detector: LandmarkDetector | None
    min_peak: float
    calibration: CalibrationParams

    @classmethod
    def load(
        cls,
        landmarks: Iterable[str],
        models: Path,
        params: InferenceParams,
        calibration: CalibrationParams,
        detector_params: DetectorParams,
    ) -> RulerSizing:
        """Load the networks of `inference.ruler_models`, if they are needed, and the threshold of the networks that are used.

        Args:
            landmarks: The landmarks of the landmark detector.
            models: Folder in which the evaluation stores results about the landmark detector; see `models_folder_of`.
            params: Contain the folder of the ruler networks.
            calibration: See the class.
            detector_params: Parameters of the ruler networks, which predict from one view.

        Raises:
            CalibrationError: as `least_peak`.
            DetectorError: the ruler networks do not locate ruler marks; or as `LandmarkDetector.load`.
        """
        folder = None if set(RULER_MARKS) <= set(landmarks) else params.ruler_folder
        if folder is None:
            return cls(None, least_peak(calibration, models), calibration)
        detector = _ruler_detector(folder, detector_params)
        return cls(detector, least_peak(calibration, models_folder_of(folder)), calibration)

    def sizes(
        self,
        points: pd.DataFrame,
        image_ids: Sequence[str],
        file_mm: NDArray[np.float64],
        locate: Callable[[LandmarkDetector], pd.DataFrame],
    ) -> pd.DataFrame:
        """Pixel sizes as `pixel_sizes` returns them.

        Args:
            points: Predictions of the landmark detector.
            image_ids: N images.
            file_mm: `(N,)` pixel sizes in mm from files or tables, NaN where unknown.
            locate: Returns the predictions of a detector on these images; called only if the ruler has separate networks.
        """
        if self.detector is not None:
            points = with_marks(points, locate(self.detector))
        return pixel_sizes(points, list(image_ids), file_mm, self.min_peak, self.calibration)


def _ruler_detector(folder: Path, params: DetectorParams) -> LandmarkDetector:
    """The detector of `inference.ruler_models`."""
    detector = LandmarkDetector.load(folder, params.in_one_view())
    if not set(RULER_MARKS) <= set(detector.landmarks):
        raise DetectorError(
            f"inference.ruler_models = {folder}: its networks locate {len(detector.landmarks)} landmarks, but not the ruler "
            f"marks {' and '.join(RULER_MARKS)}. Name networks that were trained with --env ruler, or set the parameter to null."
        )
    return detector


def with_marks(predictions: pd.DataFrame, of_ruler: pd.DataFrame) -> pd.DataFrame:
    """The predictions of the landmark detector, and the ruler marks of the ruler detector."""
    return pd.concat([predictions, of_ruler[of_ruler["landmark"].isin(RULER_MARKS)]], ignore_index=True)

"""Radii and flags of points in new films, computed when the pixel sizes are known."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ceph_pipeline.detector.located import lies_outside
from ceph_pipeline.detector.uncertainty import DetectorUncertainty
from ceph_pipeline.inference.measurements import measured_pixel_sizes
from ceph_pipeline.landmarks.geometry import Size


def judge_by_size(
    predictions: pd.DataFrame, uncertainty: DetectorUncertainty, sizes: pd.DataFrame, image_sizes: Mapping[str, Size]
) -> pd.DataFrame:
    """Evaluate the uncertainty of located points again, in mm for films whose pixel size was measured.

    A detector locates landmarks before the pixel size of a film is known, so that a wrong size in a file's header cannot move
    points. At that time radii and flags follow the calibration in px, which is valid for films of similar resolution to those in
    the calibration.

    Args:
        predictions: A `PredictionTable` of one stage.
        uncertainty: The calibrated uncertainty of the detector.
        sizes: From `calibration.pixel_size.pixel_sizes`; films whose size is suspect or unknown are judged in px.
        image_sizes: (width, height) px of each film.

    Returns:
        The rows with the columns of `judge_points`; points that were not found or lie outside their film are `flagged` too. The
        rows are unchanged if the detector has no calibrated uncertainty.
    """
    judged = uncertainty.judge(predictions, measured_pixel_sizes(sizes[~sizes["is_suspect"].astype(bool)]))
    if "calibrated_sigma_px" not in judged:
        return predictions
    xy = judged[["x", "y"]].to_numpy(np.float64)
    outside = lies_outside(xy[:, None], [image_sizes[image_id] for image_id in judged["image_id"]])[:, 0]
    return judged.assign(flagged=judged["flagged"] | outside | np.isnan(xy).any(axis=-1))

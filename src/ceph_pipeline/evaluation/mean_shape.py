"""Mean-shape baseline: prediction of the mean shape without using the image."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.errors import EvaluationError
from ceph_pipeline.landmarks.geometry import Affine, Size, mean_of_known
from ceph_pipeline.landmarks.tables import points_array, points_table

UNIT_FRAME: Size = (1, 1)


def mean_shape(truth: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Mean of the training landmarks in units of the image's width and height.

    Args:
        truth: Consensus points `image_id, landmark, x, y`.
        images: `image_id, split, width, height`; only rows of the training split are used.

    Returns:
        `landmark, x, y`, with the image's width and height as units; NaN for a landmark that no training image has.

    Raises:
        EvaluationError: there is no training image.
    """
    training = images[images["split"] == "train"]
    if training.empty:
        raise EvaluationError("no image of the training split: the mean shape cannot be computed. Check the splits of ingestion.")
    landmarks = list(truth["landmark"].unique())
    points = points_array(truth, list(training["image_id"]), landmarks)
    unit = np.stack([Affine.resize(size, UNIT_FRAME)(shape) for size, shape in zip(_sizes(training), points, strict=True)])
    mean = mean_of_known(unit)
    return pd.DataFrame({"landmark": landmarks, "x": mean[:, 0], "y": mean[:, 1]})


def guess_points(shape: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Place the mean shape in each image: rows `image_id, landmark, x, y` in the image's pixels."""
    unit: NDArray[np.float64] = shape[["x", "y"]].to_numpy(np.float64)
    placed = np.array([Affine.resize(UNIT_FRAME, size)(unit) for size in _sizes(images)])  # empty without images
    return points_table(placed, list(images["image_id"]), list(shape["landmark"]))


def _sizes(images: pd.DataFrame) -> list[Size]:
    return list(zip(images["width"].astype(int), images["height"].astype(int), strict=True))

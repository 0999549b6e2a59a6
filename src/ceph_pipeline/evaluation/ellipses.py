"""Error ellipses of landmarks on the mean shape."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from ceph_pipeline.evaluation.readers import beside_truth
from ceph_pipeline.evaluation.stages import READER_TO_TRUTH, last_stage
from ceph_pipeline.landmarks.geometry import mean_of_known
from ceph_pipeline.landmarks.tables import images_in, points_array, reader_points

ROUNDS = 3
"""Number of rounds of alignment and averaging; after the first round the mean changes by about 0.1 mm."""

MIN_POINTS = 3
"""Minimum number of landmarks for aligning an image with the mean shape."""

COLUMNS = ("landmark", "n", "x", "y", "bias_x", "bias_y", "var_x", "var_y", "cov_xy")


def error_ellipses(points: pd.DataFrame, truth: pd.DataFrame, images: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Mean and covariance of each landmark's error in the frame of the mean shape.

    Shapes are rotated onto their mean, and mirrored if a face looks to the other side; errors are rotated, but not scaled.

    Args:
        points: `image_id, landmark, x, y`, predictions of one stage or one reader's points.
        truth: The same columns for the true points.
        images: `image_id, pixel_size_mm` of the evaluated images.

    Returns:
        One row per landmark that is known on at least two images: `n`, the mean shape's `x, y` (its centre is 0), the mean error
        `bias_x, bias_y`, and `var_x, var_y, cov_xy`. Also the unit: mm, or px if no image has a pixel size.
    """
    image_ids = [str(image_id) for image_id in images["image_id"]]
    landmarks = [str(name) for name in truth["landmark"].unique()]
    pixel_size, unit = _unit_lengths(images)
    target = points_array(truth, image_ids, landmarks) * pixel_size[:, None, None]
    error = points_array(points, image_ids, landmarks) * pixel_size[:, None, None] - target
    mean, turns = _mean_shape(target)
    turned = np.einsum("nkj,nji->nki", error, turns)
    rows = [_row(name, mean[k], turned[:, k]) for k, name in enumerate(landmarks)]
    return pd.DataFrame([row for row in rows if row is not None], columns=list(COLUMNS)), unit


def _row(name: str, at: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[object, ...] | None:
    known = errors[~np.isnan(errors).any(axis=-1)]
    if len(known) < 2 or np.isnan(at).any():
        return None
    covariance = np.cov(known.T)
    return (name, len(known), *at, *known.mean(axis=0), covariance[0, 0], covariance[1, 1], covariance[0, 1])


def _unit_lengths(images: pd.DataFrame) -> tuple[NDArray[np.float64], str]:
    """Length of a pixel in each image, and the unit; images without a pixel size are ignored if others have one."""
    sizes = images["pixel_size_mm"].to_numpy(np.float64)
    return (sizes, "mm") if np.isfinite(sizes).any() else (np.ones(len(sizes)), "px")


def _mean_shape(shapes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean `(K, 2)` of aligned shapes `(N, K, 2)`, and the rotations `(N, 2, 2)`, NaN for shapes of too few points."""
    centred = shapes - mean_of_known(shapes, axis=1)[:, None]
    complete = np.isfinite(centred).all(axis=-1).sum(axis=1)
    mean = centred[int(np.argmax(complete))]
    turns = np.full((len(shapes), 2, 2), np.nan)
    for _ in range(ROUNDS):
        for number, shape in enumerate(centred):
            known = np.isfinite(shape).all(axis=-1) & np.isfinite(mean).all(axis=-1)
            if known.sum() >= MIN_POINTS:
                turns[number] = orthogonal_procrustes(shape[known], mean[known])[0]
        mean = mean_of_known(np.einsum("nkj,nji->nki", centred, turns))
    return mean, turns


def ellipse_table(predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, reader: str) -> pd.DataFrame:
    """Error ellipses of the last stage on the test split and, if two readers share images, of one reader against the truth.

    Args:
        predictions: A `PredictionTable`.
        landmarks: Landmarks of all readers.
        images: Images table.
        reader: Reader whose points are the ground truth.

    Returns:
        Rows of `error_ellipses` with `stage` and `unit`.
    """
    test = images_in(images, predictions, ("test",))
    stage = last_stage(predictions)
    truth = reader_points(landmarks, reader)
    table, unit = error_ellipses(predictions[predictions["stage"] == stage], truth, test)
    tables = [table.assign(stage=stage, unit=unit)]
    if others := beside_truth(landmarks[landmarks["image_id"].isin(test["image_id"])], truth):
        one = max(others.values(), key=len)
        tables.append(error_ellipses(one, truth, test)[0].assign(stage=READER_TO_TRUTH, unit=unit))
    return pd.concat(tables, ignore_index=True)

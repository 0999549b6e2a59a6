"""Errors after subtracting a constant offset per landmark.

Readers of different sessions place some landmarks by different conventions. This adds a constant offset per landmark to the error
of every prediction. Errors without offsets show where an error comes from. They are not comparable with other results, because
the offsets are estimated from the truth of the test images.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.errors import no_errors, with_patients
from ceph_pipeline.evaluation.intervals import MIN_IMAGES
from ceph_pipeline.evaluation.readers import reader_pair
from ceph_pipeline.evaluation.stages import OFFSET_REMOVED, READERS_FLOOR, last_stage
from ceph_pipeline.landmarks.geometry import mean_of_known
from ceph_pipeline.landmarks.tables import images_in, patients_of, points_array, points_table, reader_points


def offset_rows(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, reader: str, *, seed: int = 42
) -> pd.DataFrame:
    """Errors of the last stage, and half of the random difference of two readers, without offsets, as rows of `ErrorTable`.

    Stage: one offset per landmark is estimated on the test images of half of a subset's patients and subtracted from the
    differences of the other half, and vice versa. Readers: the offset is the mean over all images of the subset, because no
    network was fitted to a single reader. Half of the remaining difference is the error of a perfect predictor of the readers'
    mean, if the readers' random errors are independent and equally large.

    Args:
        predictions: `image_id, stage, landmark, x, y`.
        landmarks: Points of all readers.
        images: `image_id, split, subset, pixel_size_mm` and, where known, `patient`. Subsets of fewer than two times
            `MIN_IMAGES` test images or patients are ignored.
        reader: Reader whose points are the ground truth.
        seed: Seed of the split into halves.

    Returns:
        Rows with stage `offset_removed` and, if two readers share images, `readers_floor`, for the points with an error. Empty if
        no subset is large enough.
    """
    last = predictions[predictions["stage"] == last_stage(predictions)]
    test = images_in(images, predictions, ("test",))
    parts = []
    for _, subset in test.groupby("subset", sort=True):
        patients = patients_of(subset, subset["image_id"])
        if len(set(patients)) < 2 * MIN_IMAGES or last.empty:
            continue
        parts.append(
            _rows(
                last,
                reader_points(landmarks, reader),
                subset,
                OFFSET_REMOVED,
                partial(without_offsets, patients=patients, seed=seed),
            )
        )
        if pair := reader_pair(landmarks[landmarks["image_id"].isin(subset["image_id"])]):
            one, other = (reader_points(landmarks, name) for name in pair)
            parts.append(_rows(one, other, subset, READERS_FLOOR, _random_half))
    return pd.concat(parts, ignore_index=True) if parts else no_errors()


def without_offsets(differences: NDArray[np.float64], *, patients: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Differences `(N, K, 2)` minus each landmark's mean over the images of the other half of the patients; NaN stays NaN."""
    numbers, names = pd.factorize(np.asarray(patients, str))
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(names)]))
    half = np.isin(numbers, rng.permutation(len(names))[: len(names) // 2])
    left = np.empty_like(differences)
    for of_half, others in ((half, ~half), (~half, half)):
        left[of_half] = differences[of_half] - mean_of_known(differences[others])
    return left


def _random_half(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of two readers' differences `(N, K, 2)`, after subtracting the mean over the images."""
    return (differences - mean_of_known(differences)) / 2


def _rows(
    points: pd.DataFrame,
    target: pd.DataFrame,
    images: pd.DataFrame,
    stage: str,
    remainder: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> pd.DataFrame:
    """Lengths of points − target, without offsets, in px and in mm."""
    image_ids, landmarks = list(images["image_id"]), list(target["landmark"].unique())
    found, truth = (points_array(table, image_ids, landmarks) for table in (points, target))
    table = points_table(found, image_ids, landmarks)[["image_id", "landmark"]]
    table.insert(1, "stage", stage)
    table["has_truth"] = ~np.isnan(truth).any(axis=-1).ravel()
    for unit, scale in (("px", np.ones(len(images))), ("mm", images["pixel_size_mm"].to_numpy(np.float64))):
        table[f"error_{unit}"] = np.linalg.norm(remainder((found - truth) * scale[:, None, None]), axis=-1).ravel()
    return with_patients(table.dropna(subset=["error_px"]), images)

"""Errors without constant offsets: what is left when each landmark's systematic displacement is taken out.

Readers of different sessions place some landmarks by different conventions, which adds a constant offset per landmark to every
prediction's error. Taking it out is a diagnosis of where the error comes from, never a result to compare with others: it needs
the test images' own truth.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.errors import no_errors, patients_of, with_patients
from ceph_pipeline.evaluation.intervals import MIN_IMAGES
from ceph_pipeline.evaluation.readers import reader_pair
from ceph_pipeline.evaluation.stages import OFFSET_REMOVED, READERS_FLOOR, stages_in
from ceph_pipeline.landmarks.geometry import mean_of_known
from ceph_pipeline.landmarks.tables import images_in, points_array, points_table, reader_points


def offset_rows(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, reader: str, *, seed: int = 42
) -> pd.DataFrame:
    """Errors of the last stage, and the random half of two readers' difference, both without offsets, as rows of `ErrorTable`.

    Stage: one constant vector a landmark is estimated on the test images of half of a subset's patients and taken from the
    other half's differences, and the other way round. Readers: the vector is the mean over all of the subset's images, since
    nothing has been fitted to either reader; half of what remains between them is what a perfect predictor of their mean would
    show, were their random errors alike and independent.

    Args:
        predictions: `image_id, stage, landmark, x, y`.
        landmarks: All readers' points.
        images: `image_id, split, subset, pixel_size_mm` and, where known, `patient`. Subsets of fewer than two times
            `MIN_IMAGES` test images or patients are left out.
        reader: Whose points are the truth.
        seed: Of the halves.

    Returns:
        Rows labelled `offset_removed` and, where two readers share images, `readers_floor`, of the points that have an error;
        none where no subset is large enough.
    """
    stages = stages_in(predictions.dropna(subset=["x", "y"]))
    test = images_in(images, predictions, ("test",))
    parts = []
    for _, subset in test.groupby("subset", sort=True):
        patients = patients_of(subset, subset["image_id"])
        if len(set(patients)) < 2 * MIN_IMAGES or not stages:
            continue
        truth, last = reader_points(landmarks, reader), predictions[predictions["stage"] == stages[-1]]
        parts.append(_rows(last, truth, subset, OFFSET_REMOVED, partial(without_offsets, patients=patients, seed=seed)))
        if pair := reader_pair(landmarks[landmarks["image_id"].isin(subset["image_id"])]):
            one, other = (reader_points(landmarks, name) for name in pair)
            parts.append(_rows(one, other, subset, READERS_FLOOR, _random_half))
    return pd.concat(parts, ignore_index=True) if parts else no_errors()


def without_offsets(differences: NDArray[np.float64], *, patients: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Differences `(N, K, 2)` less the mean of the other half of the patients' images, landmark by landmark; NaN stays NaN."""
    numbers, names = pd.factorize(np.asarray(patients, str))
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(names)]))
    half = np.isin(numbers, rng.permutation(len(names))[: len(names) // 2])
    left = np.empty_like(differences)
    for of_half, others in ((half, ~half), (~half, half)):
        left[of_half] = differences[of_half] - mean_of_known(differences[others])
    return left


def _random_half(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of two readers' differences `(N, K, 2)` less their mean over the images."""
    return (differences - mean_of_known(differences)) / 2


def _rows(
    points: pd.DataFrame,
    target: pd.DataFrame,
    images: pd.DataFrame,
    stage: str,
    remainder: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> pd.DataFrame:
    """Lengths of what remains of points − target, in px and in mm."""
    image_ids, landmarks = list(images["image_id"]), list(target["landmark"].unique())
    found, truth = (points_array(table, image_ids, landmarks) for table in (points, target))
    table = points_table(found, image_ids, landmarks)[["image_id", "landmark"]]
    table.insert(1, "stage", stage)
    table["has_truth"] = ~np.isnan(truth).any(axis=-1).ravel()
    for unit, scale in (("px", np.ones(len(images))), ("mm", images["pixel_size_mm"].to_numpy(np.float64))):
        table[f"error_{unit}"] = np.linalg.norm(remainder((found - truth) * scale[:, None, None]), axis=-1).ravel()
    return with_patients(table.dropna(subset=["error_px"]), images)

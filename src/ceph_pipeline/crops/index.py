"""Positions of the crops: five per landmark, one centred and four shifted."""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.crops.field import field_sizes, require_fields
from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.errors import CephError
from ceph_pipeline.landmarks.tables import images_in, points_array, reader_points

SHIFTS = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)], dtype=np.float64)
"""Directions of the five crops, in units of the shift."""

NORMAL_DRAWS, UNIFORM_DRAWS = 2, 3


class NoResidualsError(CephError, ValueError):
    """Stage 1 has no prediction on a validation image whose truth is known."""


def inference_index(points: NDArray[np.float64], field_px: NDArray[np.float64], params: CropParams) -> NDArray[np.float64]:
    """Centres of the five crops around each point.

    Args:
        points: `(N, K, 2)` px, stage 1's predictions.
        field_px: `(N,)` px, from `field_sizes`.
        params: The crops' settings.

    Returns:
        `(N, K, 5, 2)` px; the first of the five centres is the point itself.
    """
    return points[:, :, None] + SHIFTS * params.shift_of_field * field_px[:, None, None, None]


def residuals(
    images: pd.DataFrame, landmarks: pd.DataFrame, stage1_predictions: pd.DataFrame, names: list[str], params: CropParams
) -> dict[str, NDArray[np.float64]]:
    """Stage 1's validation errors as vectors, per landmark, in units of the field of view.

    Training residuals would be too small, because the network was trained on those images. Large errors are included.

    Args:
        images: Rows of the sources, with their splits.
        landmarks: Landmarks of the sources, with a consensus.
        stage1_predictions: Predictions of the sources, any stages.
        names: Landmarks, full names.
        params: The crops' settings, which give the field of view.

    Returns:
        Residuals `(n, 2)` by landmark. A landmark without any error gets the errors of all landmarks.

    Raises:
        NoResidualsError: no validation image has truth and prediction, or, with `field_of_ruler`, both marks of a ruler.
        FaceSizeError: an image's field of view cannot be computed.
    """
    stage1 = stage1_predictions[stage1_predictions["stage"] == "stage1"]
    valid = images_in(images, stage1, ("valid",))
    image_ids = valid["image_id"].tolist()
    truth = points_array(reader_points(landmarks), image_ids, names)
    field = field_sizes(truth, names, valid["pixel_size_mm"].to_numpy(np.float64), params)
    require_fields(field, truth, image_ids, params)
    errors = (points_array(stage1, image_ids, names) - truth) / field[:, None, None]
    found = np.asarray(np.isfinite(errors).all(axis=-1))
    if not found.any() and params.field_of_ruler is not None and len(valid) and np.isnan(field).all():
        raise NoResidualsError(
            f"none of the {len(valid)} validation images shows both marks of a ruler, whose distance gives the crops' field: "
            "annotate p1 and p2, or train without stage 2: --pipelines stage1_alone."
        )
    if not found.any():
        raise NoResidualsError(
            "stage 1 has no prediction on a validation image with landmarks, which the training crops need for their "
            "displacement: run the stage1 pipeline, and add a split `valid` to the data set."
        )
    return {name: errors[found[:, k], k] if found[:, k].any() else errors[found] for k, name in enumerate(names)}


def training_index(
    augmented_images: pd.DataFrame,
    augmented_landmarks: pd.DataFrame,
    *,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    stage1_predictions: pd.DataFrame,
    params: CropParams,
) -> pd.DataFrame:
    """Five crops around each landmark of each augmented image, displaced by typical errors of stage 1.

    A crop is centred on truth + residual + shift. The residual is drawn from the landmark's validation errors of stage 1, plus a
    normal floor. The residual is mirrored if the image is a mirrored copy of its source. Flips on the fly mirror the crop with
    its displacement. The random numbers of an image depend only on the seed and the image.

    Args:
        augmented_images: Images and copies; those of the test split have no crops.
        augmented_landmarks: Consensus points of these images; a missing point has no crops.
        images: The sources.
        landmarks: Landmarks of the sources.
        stage1_predictions: Stage 1's points on the validation sources.
        params: The crops' settings.

    Returns:
        A `CropTable`, in the order of images, landmarks and shifts.

    Raises:
        NoResidualsError: there are no validation errors to draw displacements from.
        FaceSizeError: an image's field of view cannot be computed.
    """
    augmented_images = augmented_images[augmented_images["split"] != "test"]
    truth_rows = reader_points(augmented_landmarks)
    names = [str(name) for name in truth_rows["landmark"].unique()]
    image_ids = augmented_images["image_id"].tolist()
    truth = points_array(truth_rows, image_ids, names)
    field = field_sizes(truth, names, augmented_images["pixel_size_mm"].to_numpy(np.float64), params)
    require_fields(field, truth, image_ids, params)
    normal, uniform = _draws(image_ids, len(names), params.seed)
    sources = points_array(reader_points(landmarks), augmented_images["source_id"].tolist(), names)
    drawn = _drawn(residuals(images, landmarks, stage1_predictions, names, params), names, uniform)
    drawn[mirrored(truth, sources), ..., 0] *= -1
    offsets = drawn + normal * params.displacement.floor_sd_of_field + SHIFTS * params.shift_of_field
    scale = 1 + params.displacement.scale * (2 * uniform[..., 1] - 1)
    fields = field[:, None, None] * scale
    limit = scale * params.displacement.max_of_field
    centres = truth[:, :, None] + _bounded(offsets, limit) * field[:, None, None, None]
    rotation = params.displacement.rotation_deg * (2 * uniform[..., 2] - 1)
    return _table(augmented_images, names, centres, fields, rotation)


def _draws(image_ids: list[str], n_landmarks: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard normal `(N, K, 5, 2)` and uniform `(N, K, 5, 3)` numbers, each image's from its own generator."""
    shape = (len(image_ids), n_landmarks, len(SHIFTS))
    normal, uniform = np.empty((*shape, NORMAL_DRAWS)), np.empty((*shape, UNIFORM_DRAWS))
    for row, image_id in enumerate(image_ids):
        number = int.from_bytes(hashlib.blake2b(image_id.encode(), digest_size=8).digest())
        generator = np.random.default_rng(np.random.SeedSequence([seed, number]))
        generator.standard_normal(out=normal[row])
        generator.random(out=uniform[row])
    return normal, uniform


def _drawn(errors: dict[str, NDArray[np.float64]], names: list[str], uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residuals `(N, K, 5, 2)` drawn with replacement, in units of the field of view."""
    drawn = np.empty((*uniform.shape[:3], 2))
    for k, name in enumerate(names):
        pool = errors[name]
        drawn[:, k] = pool[(uniform[:, k, :, 0] * len(pool)).astype(np.intp)]
    return drawn


def mirrored(points: NDArray[np.float64], sources: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which configurations `(N, K, 2)` are mirror images of their sources' configurations, from the points known in both.

    The sign of the determinant of the map between them decides, for any kind of augmentation. Collinear points count as not
    mirrored.
    """
    shared = np.asarray(np.isfinite(points).all(axis=-1) & np.isfinite(sources).all(axis=-1))
    count = np.maximum(shared.sum(axis=1), 1)[:, None, None]
    seen = [np.where(shared[..., None], each, 0.0) for each in (points, sources)]
    centred = [np.where(shared[..., None], each - each.sum(axis=1, keepdims=True) / count, 0.0) for each in seen]
    products = np.einsum("nki,nkj->nij", *centred)
    limit = -1e-9 * (products**2).sum(axis=(1, 2))
    return np.asarray(np.linalg.det(products) < limit)


def _bounded(offsets: NDArray[np.float64], limit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shorten offsets `(..., 2)` to at most `limit`, so that the crop contains the truth for any error of stage 1."""
    length = np.linalg.norm(offsets, axis=-1)
    shortening: NDArray[np.float64] = np.minimum(1.0, limit / np.maximum(length, 1e-12))
    return offsets * shortening[..., None]


def _table(
    images: pd.DataFrame,
    names: list[str],
    centres: NDArray[np.float64],
    fields: NDArray[np.float64],
    rotation: NDArray[np.float64],
) -> pd.DataFrame:
    """Rows of the crops whose landmark is known."""
    n_images, n_landmarks, n_shifts = fields.shape
    per_image = n_landmarks * n_shifts
    table = pd.DataFrame(
        {
            **{name: images[name].repeat(per_image).to_numpy() for name in ("image_id", "source_id", "split")},
            "landmark": np.tile(np.repeat(np.array(names, dtype=object), n_shifts), n_images),
            "shift": np.tile(np.arange(n_shifts), n_images * n_landmarks),
            "centre_x": centres[..., 0].ravel(),
            "centre_y": centres[..., 1].ravel(),
            "field_px": fields.ravel(),
            "rotation_deg": rotation.ravel(),
        }
    )
    return table[table["centre_x"].notna()].reset_index(drop=True)

"""Stage 2: at least five predictions per point, in crops around stage 1's points, fused by confidence."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ceph_pipeline.crops import SHIFTS, CropParams, RefinementParams, SourcePyramid, field_sizes, fuse, inference_index
from ceph_pipeline.crops.field import REFERENCE_MM
from ceph_pipeline.crops.params import MEAN_FACE_MM
from ceph_pipeline.detector.forward import ForwardResult, locate
from ceph_pipeline.detector.located import Located, combined_sd, posterior_sd
from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.images.normalise import normalise_each
from ceph_pipeline.landmarks import Affines
from ceph_pipeline.views import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.images.codec import GreyImage

logger = logging.getLogger(__name__)


def predict_refined(
    networks: Sequence[TrainedNet],
    images: Sequence[GreyImage],
    start: Located,
    *,
    pixel_size_mm: ArrayLike,
    params: RefinementParams,
    views: Sequence[View] = (View(),),
    batch_size: int = 128,
) -> Located:
    """Refine stage 1's points with networks that predict each point in crops of the original pixels.

    Args:
        networks: One network of stage 2, or an ensemble of networks with the same crop parameters.
        images: Pixels of the N originals.
        start: Points of stage 1, in the networks' order of landmarks; NaN stays NaN.
        pixel_size_mm: `(N,)`, for networks whose field of view is given in mm. If a pixel size is NaN, the field of view is
            derived from the size of the face.
        params: The fusion of the predictions.
        views: Views of each crop, about its centre.
        batch_size: Maximum number of crops per forward pass.

    Returns:
        Points in px of the originals. Stage 1's point and `sigma_px` are kept if stage 2 is uncertain or the field of view is
        unknown. Otherwise `sigma_px` combines the standard deviation of the heatmaps with the spread over crops, views and
        networks. `peak` is always that of stage 1: crops are cut around every point, so they do not show whether the landmark
        is present.

    Raises:
        ValueError: the networks were trained on different crops, or `params` name an unknown landmark.
    """
    crops = shared_crops(networks)
    field = _fields(start.xy, networks[0], np.asarray(pixel_size_mm, dtype=np.float64), crops)
    centres = start.xy
    for _ in range(params.rounds):
        found = predict_crops(networks, images, centres, field, crops, views=views, batch_size=batch_size)
        fused = fuse(found.xy, found.peak, start.xy, field, params, networks[0].landmarks)
        centres = fused.xy
    own = np.where(np.isnan(fused.xy).any(axis=-1), np.nan, combined_sd(fused.sd, found.sd.mean(axis=-1)))
    return Located(fused.xy, np.where(fused.refined, own, start.sigma_px), start.peak)


def shared_crops(networks: Sequence[TrainedNet]) -> CropParams:
    """The crop parameters that the networks of stage 2 share.

    Raises:
        ValueError: the networks were trained on crops of different sizes or fields of view.
    """
    first, *others = (CropParams.model_validate(trained.facts["crops"]) for trained in networks)
    for name in ("crop_px", "field_mm", "field_of_face", "field_of_ruler", "shift_of_field"):
        for other in others:
            if getattr(other, name) != getattr(first, name):
                raise InvalidValueError(
                    f"the networks of stage 2 were trained on different crops ({name} {getattr(first, name)} and "
                    f"{getattr(other, name)}) and cannot form an ensemble: give checkpoints with equal crop parameters."
                )
    return first


class CropPredictions(NamedTuple):
    """Predictions of stage 2: A predictions for each point, one for each network, view and crop.

    Attributes:
        xy: `(N, K, A, 2)` px of the originals; NaN for missing points.
        peak: `(N, K, A)`, heights of the heatmaps.
        sd: `(N, K, A)` px of the originals, the standard deviation derived from each heatmap's peak.
    """

    xy: NDArray[np.float64]
    peak: NDArray[np.float64]
    sd: NDArray[np.float64]


def predict_crops(
    networks: Sequence[TrainedNet],
    images: Sequence[GreyImage],
    centres: NDArray[np.float64],
    field: NDArray[np.float64],
    params: CropParams,
    *,
    views: Sequence[View],
    batch_size: int,
) -> CropPredictions:
    """Predict five crops around each point with every network.

    Each crop in each view is one warp. A batch contains crops of several landmarks of one image.

    Args:
        networks: Networks of stage 2.
        images: Pixels of the N originals.
        centres: `(N, K, 2)` px, the centres of the crops.
        field: `(N,)` px, side of the field of view; NaN for images without crops.
        params: Crop parameters.
        views: Views of each crop, about its centre.
        batch_size: Maximum number of crops per forward pass.
    """
    n_images, n_landmarks = centres.shape[:2]
    shape = (n_images, n_landmarks, len(networks), len(views), len(SHIFTS))
    xy, peak, sd = np.full((*shape, 2), np.nan), np.zeros(shape), np.full(shape, np.nan)
    crop_centres = inference_index(centres, field, params)
    seen = np.asarray(np.isfinite(centres).all(axis=-1) & np.isfinite(field)[:, None])
    for row, image in enumerate(images):
        source, landmark = SourcePyramid(image), np.flatnonzero(seen[row])
        shown = np.repeat(landmark, len(SHIFTS))
        ahead = Affines.crops(crop_centres[row, landmark].reshape(-1, 2), np.full(len(shown), field[row]), params.crop_px)
        for number, view in enumerate(views):
            to_view = ahead.then(view.matrix((params.crop_px, params.crop_px)))
            crops = normalise_each(source.cut(to_view, params.crop_px))
            for member, trained in enumerate(networks):
                found = _locate_all(trained, crops, shown, batch_size)
                own = posterior_sd(found.peak, trained.sigma_px) * trained.stride / to_view.scales
                place = (row, landmark, member, number)
                xy[place] = to_view.inverse()(found.xy).reshape(-1, len(SHIFTS), 2)
                peak[place], sd[place] = found.peak.reshape(-1, len(SHIFTS)), own.reshape(-1, len(SHIFTS))
    flat = (n_images, n_landmarks, len(networks) * len(views) * len(SHIFTS))
    return CropPredictions(xy.reshape(*flat, 2), peak.reshape(flat), sd.reshape(flat))


def _locate_all(
    trained: TrainedNet,
    crops: NDArray[np.float32],
    landmark: NDArray[np.int64],
    batch_size: int,
) -> ForwardResult:
    """Predictions `(M, 2)` and `(M,)` for normalised crops `(M, S, S)`, computed in equal batches, in px of the crops."""
    if not len(crops):
        return ForwardResult(np.empty((0, 2)), np.empty(0))
    batches = np.array_split(np.arange(len(crops)), -(-len(crops) // batch_size))
    found = [locate(trained, crops[rows], landmark[rows]) for rows in batches]
    return ForwardResult(np.concatenate([f.xy[:, 0] for f in found]), np.concatenate([f.peak[:, 0] for f in found]))


def _fields(
    points: NDArray[np.float64], trained: TrainedNet, pixel_size_mm: NDArray[np.float64], params: CropParams
) -> NDArray[np.float64]:
    """Each image's field of view `(N,)` px; derived from the face's size if the pixel size is unknown, NaN without either."""
    landmarks = list(trained.landmarks)
    field = field_sizes(points, landmarks, pixel_size_mm, params)
    if params.field_mm is not None and len(REFERENCE_MM.keys() & set(landmarks)) >= 2:
        by_face = params.model_copy(update={"field_mm": None, "field_of_face": params.field_mm / MEAN_FACE_MM})
        field = np.where(np.isnan(field), field_sizes(points, landmarks, pixel_size_mm, by_face), field)
    lacking = int((np.isnan(field) & np.isfinite(points).any(axis=(1, 2))).sum())
    if lacking and params.field_of_ruler is None:
        logger.warning(
            "films that show too little of the face for the crops' field of view%s: %d of %d; stage 1's points are kept",
            *("" if params.field_mm is None else " and have no pixel size", lacking, len(field)),
        )
    return field

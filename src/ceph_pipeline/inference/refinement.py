"""Stage 2: crops around stage 1's points, five and more answers a point, fused by confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from ceph_pipeline.crops import SHIFTS, CropParams, SourcePyramid, field_sizes, fuse, inference_index
from ceph_pipeline.crops.params import MEAN_HEAD_MM
from ceph_pipeline.evaluation.tta import View
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.inference.forward import Answers, locate
from ceph_pipeline.inference.located import Located, combined_sd, posterior_sd
from ceph_pipeline.landmarks import Affines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from ceph_pipeline.heatmaps import DecodeMethod
    from ceph_pipeline.images.codec import GreyImage
    from ceph_pipeline.training.checkpoint import TrainedNet


def predict_refined(
    trained: TrainedNet,
    read_image: Callable[[str], GreyImage],
    image_ids: Sequence[str],
    points: NDArray[np.float64],
    *,
    pixel_size_mm: ArrayLike | None = None,
    sigma_px: NDArray[np.float64] | None = None,
    params: CropParams | None = None,
    views: Sequence[View] = (View(),),
    batch_size: int = 128,
    decode_method: DecodeMethod = "dark",
    progress: bool = True,
) -> Located:
    """Refine stage 1's points with a network that sees the original pixels around each.

    Each image is decoded once; each crop, in each view, is one warp. Batches run across an image's landmarks.

    Args:
        trained: A network of stage 2.
        read_image: Identifier to the original's pixels.
        image_ids: N identifiers.
        points: `(N, K, 2)` px of the originals, in the network's order of landmarks; NaN stays NaN.
        pixel_size_mm: `(N,)`, for networks whose field of view is given in mm. Where one is missing, the head's size
            stands in for all.
        sigma_px: `(N, K)` of `points`, kept where a point is not refined.
        params: How crops are cut and fused; the checkpoint's own by default.
        views: Ways to look at each crop, about its centre.
        batch_size: Crops a forward pass, at most.
        decode_method: How heatmaps become points.
        progress: Show a bar.

    Returns:
        Points in px of the originals; stage 1's where stage 2 is unsure. `sigma_px` joins what the heatmaps' peaks say
        with the spread over crops and views.
    """
    params = params or CropParams.model_validate(trained.facts["crops"])
    field = _fields(points, trained, pixel_size_mm, params)
    centres = inference_index(points, field, params)
    answers = np.full((*points.shape[:2], len(views), len(SHIFTS), 2), np.nan)
    peaks, sd = np.zeros(answers.shape[:-1]), np.full(answers.shape[:-1], np.nan)
    seen = np.asarray(np.isfinite(points).all(axis=-1))
    total = int(seen.sum()) * len(SHIFTS) * len(views)
    with tqdm(total=total, desc=f"stage 2, {len(views)} views", unit="crop", disable=not progress) as bar:
        for row, image_id in enumerate(image_ids):
            source, landmark = SourcePyramid(read_image(image_id)), np.flatnonzero(seen[row])
            ahead = Affines.crops(
                centres[row, landmark].reshape(-1, 2), np.repeat(field[row], len(landmark) * len(SHIFTS)), params.crop_px
            )
            for number, view in enumerate(views):
                to_view = ahead.then(view.matrix((params.crop_px, params.crop_px)))
                crops = source.cut(to_view, params.crop_px)
                found = _locate_all(trained, crops, np.repeat(landmark, len(SHIFTS)), batch_size, decode_method)
                own_sd = posterior_sd(found.peak, trained.sigma_px) * trained.stride / to_view.scales
                answers[row, landmark, number] = to_view.inverse()(found.xy).reshape(-1, len(SHIFTS), 2)
                peaks[row, landmark, number] = found.peak.reshape(-1, len(SHIFTS))
                sd[row, landmark, number] = own_sd.reshape(-1, len(SHIFTS))
                bar.update(len(crops))
    of_point = (*points.shape[:2], -1)
    fused = fuse(answers.reshape(*of_point, 2), peaks.reshape(of_point), points, field, params.fusion)
    own = combined_sd(fused.sd, sd.reshape(of_point).mean(axis=-1))
    own = np.where(np.isnan(fused.xy).any(axis=-1), np.nan, own)
    return Located(fused.xy, own if sigma_px is None else np.where(fused.refined, own, sigma_px))


def _locate_all(
    trained: TrainedNet,
    crops: NDArray[np.generic],
    landmark: NDArray[np.int64],
    batch_size: int,
    decode_method: DecodeMethod,
) -> Answers:
    """Answers `(M, 2)` and `(M,)` of crops `(M, S, S)` in equal batches, in px of the crops."""
    if not len(crops):
        return Answers(np.empty((0, 2)), np.empty(0))
    batches = np.array_split(np.arange(len(crops)), -(-len(crops) // batch_size))
    found = [
        locate(trained, np.stack([normalise(crop) for crop in crops[rows]]), decode_method, landmark[rows]) for rows in batches
    ]
    return Answers(np.concatenate([f.xy[:, 0] for f in found]), np.concatenate([f.peak[:, 0] for f in found]))


def _fields(
    points: NDArray[np.float64], trained: TrainedNet, pixel_size_mm: ArrayLike | None, params: CropParams
) -> NDArray[np.float64]:
    """Each image's field of view `(N,)` px: by the head's size where millimetres are not known."""
    known = np.full(len(points), np.nan) if pixel_size_mm is None else np.asarray(pixel_size_mm, dtype=np.float64)
    if params.field_mm is None:
        return field_sizes(points, list(trained.landmarks), known, params)
    by_head = params.model_copy(update={"field_mm": None, "field_of_head": params.field_mm / MEAN_HEAD_MM})
    field = np.empty(len(points))
    for rows, rule in ((np.isfinite(known), params), (~np.isfinite(known), by_head)):
        if rows.any():
            field[rows] = field_sizes(points[rows], list(trained.landmarks), known[rows], rule)
    return field

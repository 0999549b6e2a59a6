"""Stage 2: crops around stage 1's points, five and more answers a point, fused by confidence."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm.auto import tqdm

from ceph_pipeline.crops import SHIFTS, CropParams, SourcePyramid, crop_map, field_sizes, fuse, inference_index
from ceph_pipeline.crops.params import MEAN_HEAD_MM
from ceph_pipeline.evaluation.tta import View
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.inference.forward import locate
from ceph_pipeline.inference.located import Located, combined_sd, posterior_sd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from ceph_pipeline.heatmaps import DecodeMethod
    from ceph_pipeline.images.codec import GreyImage
    from ceph_pipeline.landmarks import Affine
    from ceph_pipeline.training.checkpoint import TrainedNet


class _Crop(NamedTuple):
    """One crop in one view, and where its answer belongs."""

    place: tuple[int, int, int]  # image, landmark, answer
    pixels: NDArray[np.float32]
    to_image: Affine


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

    Each image is decoded once; each crop, in each view, is one warp. Batches run across landmarks and images.

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
        batch_size: Crops a forward pass.
        decode_method: How heatmaps become points.
        progress: Show a bar.

    Returns:
        Points in px of the originals; stage 1's where stage 2 is unsure. `sigma_px` joins what the heatmaps' peaks say
        with the spread over crops and views.
    """
    params = params or CropParams.model_validate(trained.facts["crops"])
    field = _fields(points, trained, pixel_size_mm, params)
    n_answers = len(SHIFTS) * len(views)
    answers = np.full((*points.shape[:2], n_answers, 2), np.nan)
    peaks, sd = np.zeros(answers.shape[:3]), np.full(answers.shape[:3], np.nan)
    crops = _crops(read_image, image_ids, points, field, params, views)
    total = int(np.isfinite(points).all(axis=-1).sum()) * n_answers
    with tqdm(total=total, desc=f"stage 2, {len(views)} views", unit="crop", disable=not progress) as bar:
        while batch := list(islice(crops, batch_size)):
            landmark = np.array([crop.place[1] for crop in batch], dtype=np.int64)
            found = locate(trained, np.stack([crop.pixels for crop in batch]), decode_method, landmark)
            for crop, xy, peak in zip(batch, found.xy[:, 0], found.peak[:, 0], strict=True):
                answers[crop.place], peaks[crop.place] = crop.to_image(xy), peak
                sd[crop.place] = posterior_sd(peak, trained.sigma_px) * trained.stride * crop.to_image.scale
            bar.update(len(batch))
    fused = fuse(answers, peaks, points, field, params.fusion)
    own = combined_sd(fused.sd, sd.mean(axis=-1))
    own = np.where(np.isnan(fused.xy).any(axis=-1), np.nan, own)
    return Located(fused.xy, own if sigma_px is None else np.where(fused.refined, own, sigma_px))


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


def _crops(
    read_image: Callable[[str], GreyImage],
    image_ids: Sequence[str],
    points: NDArray[np.float64],
    field: NDArray[np.float64],
    params: CropParams,
    views: Sequence[View],
) -> Iterator[_Crop]:
    """Every crop of every point that is there, image by image."""
    centres = inference_index(points, field, params)
    size = (params.crop_px, params.crop_px)
    for row, image_id in enumerate(image_ids):
        source = SourcePyramid(read_image(image_id))
        for k, shifted in enumerate(centres[row]):
            if not np.isfinite(shifted).all():
                continue
            for shift, (x, y) in enumerate(shifted):
                to_crop = crop_map((float(x), float(y)), float(field[row]), 0.0, params.crop_px)
                for number, view in enumerate(views):
                    to_view = to_crop.then(view.matrix(size))
                    pixels = normalise(source.warp(to_view, params.crop_px))
                    yield _Crop((row, k, shift * len(views) + number), pixels, to_view.inverse())

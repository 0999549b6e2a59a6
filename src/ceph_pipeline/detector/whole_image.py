"""Predictions of stage 1 on whole images, in one or several views."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from tqdm.auto import tqdm

from ceph_pipeline.cephalometry import is_length_px
from ceph_pipeline.detector.forward import locate
from ceph_pipeline.detector.framing import frame, reduce
from ceph_pipeline.detector.located import Located, combined_sd, posterior_sd
from ceph_pipeline.images.normalise import normalise, raise_levels
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size, mean_of_known
from ceph_pipeline.views import Fusion, View, fuse_views

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.images.codec import GreyImage


class WholeImagePredictions(NamedTuple):
    """Predictions of stage 1 for N images in L forward passes: every network in every view, networks first.

    `xy`, `peak` and `sd` are NaN where the landmark lies outside the view.

    Attributes:
        xy: `(L, N, K, 2)` px of the originals.
        peak: `(L, N, K)`, heights of the heatmaps.
        sd: `(L, N, K)` px of the originals, the standard deviation derived from each heatmap's peak.
        outputs: Outputs of the network's other heads in the first forward pass, `(N,)` by name; lengths in px of the originals.
    """

    xy: NDArray[np.float64]
    peak: NDArray[np.float64]
    sd: NDArray[np.float64]
    outputs: dict[str, NDArray[np.float64]]

    def fused(self, fusion: Fusion = "mean", passes: slice | NDArray[np.bool_] = slice(None)) -> Located:
        """One point for each landmark, fused from the selected forward passes, in px of the originals.

        `sigma_px` combines the standard deviation of the heatmaps with the spread over the forward passes.
        """
        points, spread = fuse_views(self.xy[passes], self.peak[passes], fusion)
        sd = np.where(np.isnan(points).any(axis=-1), np.nan, combined_sd(spread, mean_of_known(self.sd[passes])))
        return Located(points, sd, mean_of_known(self.peak[passes]))


def predict_whole_images(
    networks: Sequence[TrainedNet],
    read_image: Callable[[str], GreyImage],
    image_ids: Sequence[str],
    sizes: ArrayLike,
    views: Sequence[View] = (View(),),
    *,
    batch_size: int = 8,
) -> WholeImagePredictions:
    """Predict whole images with every network of stage 1 in every view, batch by batch; see `predict_whole_batch`.

    Args:
        networks: One network of stage 1, or an ensemble of networks with the same landmarks.
        read_image: Returns the pixels of an identifier, of the original or of a resized image; each image is read once.
        image_ids: N identifiers.
        sizes: `(N, 2)` width and height of the originals in px.
        views: Views in which every network predicts each image.
        batch_size: Images per forward pass.
    """
    originals = np.asarray(sizes, dtype=np.int64).reshape(-1, 2)
    n_passes = len(networks) * len(views)
    xy = np.empty((n_passes, len(image_ids), len(networks[0].landmarks), 2))
    peak, sd = np.empty(xy.shape[:-1]), np.empty(xy.shape[:-1])
    outputs: list[dict[str, NDArray[np.float64]]] = []
    with tqdm(total=len(image_ids), desc=f"stage 1, {n_passes} forward passes", unit="image") as bar:
        for start in range(0, len(image_ids), batch_size):
            rows = slice(start, start + batch_size)
            batch = predict_whole_batch(networks, [read_image(image_id) for image_id in image_ids[rows]], originals[rows], views)
            xy[:, rows], peak[:, rows], sd[:, rows] = batch.xy, batch.peak, batch.sd
            outputs.append(batch.outputs)
            bar.update(batch.xy.shape[1])
    names = outputs[0] if outputs else ()
    return WholeImagePredictions(xy, peak, sd, {name: np.concatenate([part[name] for part in outputs]) for name in names})


def predict_whole_batch(
    networks: Sequence[TrainedNet], stored: Sequence[GreyImage], sizes: ArrayLike, views: Sequence[View] = (View(),)
) -> WholeImagePredictions:
    """Predict a batch of images with every network of stage 1, in one forward pass for each network and view.

    Each view is one warp from the stored pixels to a network's input. A scaled or rotated view can move a landmark at the
    image border out of the view, although the network still predicts a point. A view's prediction is therefore set to NaN
    if the first view's point lies outside that view, or nearer to its border than the standard deviation of a target.

    Args:
        networks: As in `predict_whole_images`.
        stored: Pixels of N ≥ 1 images, of the originals or of resized images.
        sizes: `(N, 2)` width and height of the originals in px.
        views: Views in which every network predicts each image.
    """
    originals = [_size(size) for size in np.asarray(sizes, dtype=np.int64)]
    xy = np.empty((len(networks), len(views), len(stored), len(networks[0].landmarks), 2))
    peak, sd = np.empty(xy.shape[:-1]), np.empty(xy.shape[:-1])
    outputs: dict[str, NDArray[np.float64]] = {}
    for member, trained in enumerate(networks):
        framed = [_Framed(trained, pixels, size) for pixels, size in zip(stored, originals, strict=True)]
        for number, view in enumerate(views):
            found = _predict_view(trained, framed, view)
            xy[member, number], peak[member, number], sd[member, number] = found.xy, found.peak, found.sd
            if member == number == 0:
                outputs = found.outputs
        unseen = ~_shown(trained, framed, views, xy[member, 0])
        for answers in (xy, peak, sd):
            answers[member][unseen] = np.nan
    flat = (len(networks) * len(views), *xy.shape[2:4])
    return WholeImagePredictions(xy.reshape(*flat, 2), peak.reshape(flat), sd.reshape(flat), outputs)


def _shown(trained: TrainedNet, framed: list[_Framed], views: Sequence[View], first: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each view contains each landmark: `(V, N, K)`; always True for the first view.

    `first` contains the points `(N, K, 2)` of the first view.
    """
    margin, size = trained.sigma_px * trained.stride, np.array(trained.input_size)
    seen = np.stack([[image.to_view(view)(xy) for image, xy in zip(framed, first, strict=True)] for view in views])
    shown: NDArray[np.bool_] = np.all((seen >= margin) & (seen <= size - 1 - margin), axis=-1)
    shown[0] = True
    return shown


class _ViewPrediction(NamedTuple):
    """One row of `WholeImagePredictions`."""

    xy: NDArray[np.float64]
    peak: NDArray[np.float64]
    sd: NDArray[np.float64]
    outputs: dict[str, NDArray[np.float64]]


def _predict_view(trained: TrainedNet, framed: list[_Framed], view: View) -> _ViewPrediction:
    """The predictions of one network in one view of some images."""
    answers = locate(trained, np.stack([image.seen(view) for image in framed]))
    back = [image.to_view(view).inverse() for image in framed]
    xy = np.stack([to_original(points) for to_original, points in zip(back, answers.xy, strict=True)])
    px = np.array([to_original.scale for to_original in back])
    sd = posterior_sd(answers.peak, trained.sigma_px) * (trained.stride * px)[:, None]
    outputs = {name: values * px if is_length_px(name) else values for name, values in answers.outputs.items()}
    return _ViewPrediction(xy, answers.peak, sd, outputs)


class _Framed:
    """An image ready to be warped into the network's input."""

    def __init__(self, trained: TrainedNet, stored: GreyImage, original: Size) -> None:
        self.input_size = trained.input_size
        self.to_input = frame(original, self.input_size, trained.facts["resize"])
        self.pixels = normalise(raise_levels(reduce(stored, original, self.input_size), trained.facts.get("input_gamma", 1.0)))
        self.to_original = Affine.resize(original, (self.pixels.shape[1], self.pixels.shape[0])).inverse()

    def to_view(self, view: View) -> Affine:
        """The map from the original's px to the view's."""
        return self.to_input.then(view.matrix(self.input_size))

    def seen(self, view: View) -> NDArray[np.float32]:
        """The view's pixels `(H, W)`; padding is 0, the image's mean grey."""
        warp = self.to_original.then(self.to_view(view))
        return np.asarray(cv2.warpAffine(self.pixels, warp.matrix, self.input_size, flags=cv2.INTER_LINEAR), np.float32)


def _size(row: NDArray[np.int64]) -> Size:
    return int(row[0]), int(row[1])

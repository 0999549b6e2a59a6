"""Stage 1 on whole images, in one view or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm.auto import tqdm

from ceph_pipeline.evaluation.tta import Fusion, View, fuse_views
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.inference.forward import locate
from ceph_pipeline.inference.located import Located, combined_sd, posterior_sd
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size
from ceph_pipeline.training.whole_images import frame, reduce

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from ceph_pipeline.heatmaps import DecodeMethod
    from ceph_pipeline.images.codec import GreyImage
    from ceph_pipeline.training.checkpoint import TrainedNet


def predict_whole(
    trained: TrainedNet,
    read_image: Callable[[str], GreyImage],
    image_ids: Sequence[str],
    sizes: ArrayLike,
    views: Sequence[View] = (View(),),
    *,
    batch_size: int = 8,
    decode_method: DecodeMethod = "dark",
    fusion: Fusion = "mean",
    progress: bool = True,
) -> Located:
    """Locate every landmark of whole images.

    Each image is read once; each view is one warp from the stored pixels to the network's input.

    Args:
        trained: A network of stage 1.
        read_image: Identifier to pixels, of the original or of a resized copy.
        image_ids: N identifiers.
        sizes: `(N, 2)` width and height of the originals in px.
        views: Ways to look at each image; their answers are mapped back and fused.
        batch_size: Images a forward pass.
        decode_method: How heatmaps become points.
        fusion: How the views' answers become one.
        progress: Show a bar.

    Returns:
        Points in px of the originals. `sigma_px` joins what the heatmaps' peaks say with the spread over the views.
    """
    originals = np.asarray(sizes, dtype=np.int64).reshape(-1, 2)
    n_views, n_landmarks = len(views), len(trained.landmarks)
    points = np.empty((n_views, len(image_ids), n_landmarks, 2))
    peaks = np.empty((n_views, len(image_ids), n_landmarks))
    sd = np.empty((n_views, len(image_ids), n_landmarks))
    with tqdm(total=len(image_ids), desc=f"stage 1, {n_views} views", unit="image", disable=not progress) as bar:
        for start in range(0, len(image_ids), batch_size):
            rows = range(start, min(start + batch_size, len(image_ids)))
            framed = [_Framed(trained, read_image(image_ids[row]), _size(originals[row])) for row in rows]
            for number, view in enumerate(views):
                answers = locate(trained, np.stack([image.seen(view) for image in framed]), decode_method)
                for image, row, xy, peak in zip(framed, rows, answers.xy, answers.peak, strict=True):
                    back = image.to_view(view).inverse()
                    points[number, row], peaks[number, row] = back(xy), peak
                    sd[number, row] = posterior_sd(peak, trained.sigma_px) * trained.stride * back.scale
            bar.update(len(rows))
    fused, spread = fuse_views(points, peaks, fusion)
    return Located(fused, combined_sd(spread, sd.mean(axis=0)))


class _Framed:
    """An image ready to be warped into the network's input."""

    def __init__(self, trained: TrainedNet, stored: GreyImage, original: Size) -> None:
        self.input_size = trained.input_size
        self.to_input = frame(original, self.input_size, trained.facts["resize"])
        self.pixels = normalise(reduce(stored, original, self.input_size))
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

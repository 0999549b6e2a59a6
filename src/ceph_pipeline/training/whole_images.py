"""Samples of whole images for stage 1, read from the cache of resized images and warped once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ceph_pipeline.augmentation.kinds import Kind, Source
from ceph_pipeline.detector.framing import frame, reduce
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size
from ceph_pipeline.landmarks.tables import points_array, reader_points
from ceph_pipeline.training.augment_online import UNCHANGED, Drawn, draw_changes
from ceph_pipeline.training.batch import Batch, sample_rng
from ceph_pipeline.training.measurement_scores import UNMEASURED, MeasurementMoments, measured
from ceph_pipeline.training.sampling import Draw


@dataclass(frozen=True)
class WholeImages:
    """Images of a split and their targets, as arrays in the same order.

    Attributes:
        image_ids: N identifiers.
        sizes: `(N, 2)` width and height of the originals in px.
        points: `(N, K, 2)` in px of the originals, NaN where missing.
        pixel_size_mm: `(N,)`, NaN where unknown.
        cvm_stage: `(N,)` 1–6, 0 where unknown.
        landmarks: K full names, for augmentation.
        machines: N devices, for sampling by device.
    """

    image_ids: list[str]
    sizes: NDArray[np.int64]
    points: NDArray[np.float64]
    pixel_size_mm: NDArray[np.float64]
    cvm_stage: NDArray[np.int64]
    landmarks: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image_ids)

    @classmethod
    def from_tables(
        cls, images: pd.DataFrame, landmarks: pd.DataFrame, cvm: pd.DataFrame, names: list[str], reader: str
    ) -> "WholeImages":
        """Align the tables with the rows of `images`."""
        ids = images["image_id"].tolist()
        stages = cvm.set_index("image_id")["stage"].reindex(ids).fillna(0).to_numpy(np.int64)
        return cls(
            image_ids=ids,
            sizes=images[["width", "height"]].to_numpy(np.int64),
            points=points_array(reader_points(landmarks, reader), ids, names),
            pixel_size_mm=images["pixel_size_mm"].to_numpy(np.float64),
            cvm_stage=stages,
            landmarks=tuple(names),
            machines=tuple(images["machine"]),
        )

    def size(self, item: int) -> Size:
        """(width, height) of an original in px."""
        return int(self.sizes[item, 0]), int(self.sizes[item, 1])

    def measured(self, input_size: Size, resize: str) -> NDArray[np.float64]:
        """Measurements `(N, 10)` in the network's input, which are the targets of the measurement head."""
        scales = [frame(self.size(item), input_size, resize).scale for item in range(len(self))]
        return np.stack([measured(points, self.landmarks, scale) for points, scale in zip(self.points, scales, strict=True)])


class WholeImageDataset(Dataset[Batch]):
    """Samples of stage 1: one warp from the cached image to the network's input.

    If a recipe moves points by a map that is not affine, `to_original` ignores the small displacements of that map.

    Args:
        data: Images and targets.
        cache: Resized images.
        input_size: (width, height) of the network's input.
        resize: `letterbox` or `stretch`.
        seed: Seed of the random draws.
        augmentation: Kinds of augmentation on the fly; None for no augmentation.
        moments: Moments of the target measurements, which are computed from the augmented points.
        input_gamma: Power of the grey levels in the network's input.
    """

    def __init__(
        self,
        data: WholeImages,
        cache: ImageStore,
        input_size: Size,
        resize: str,
        seed: int,
        augmentation: Mapping[str, Kind] | None = None,
        moments: MeasurementMoments = UNMEASURED,
        input_gamma: float = 1.0,
    ) -> None:
        cache.require(data.image_ids)
        self.data, self.cache, self.input_size, self.resize = data, cache, input_size, resize
        self.seed, self.augmentation, self.moments, self.input_gamma = seed, augmentation or {}, moments, input_gamma

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, draw: Draw) -> Batch:
        epoch, item = draw
        original = self.data.size(item)
        image = reduce(self.cache.read(self.data.image_ids[item]), original, self.input_size)
        size: Size = (image.shape[1], image.shape[0])
        to_image = Affine.resize(original, size)
        points = to_image(self.data.points[item])
        drawn = self._draw(epoch, item, size, points)
        shown, from_original = drawn.affine.then(to_image.inverse()), frame(original, self.input_size, self.resize)
        to_input = shown.then(from_original)
        moved = drawn.moved(points)
        scores = self.moments.scores(shown(moved), self.data.landmarks, from_original.scale)
        levels = drawn.levels(image, self.input_gamma)
        pixels = cv2.warpAffine(levels, to_input.matrix, self.input_size, flags=cv2.INTER_LINEAR)
        return Batch(
            images=torch.from_numpy(np.asarray(pixels))[None, None],
            points=torch.from_numpy(to_input(moved).astype(np.float32))[None],
            to_original=torch.from_numpy(to_image.then(to_input).inverse().matrix.astype(np.float32))[None],
            pixel_size_mm=torch.tensor([self.data.pixel_size_mm[item]], dtype=torch.float32),
            long_side_px=torch.tensor([max(original)], dtype=torch.float32),
            landmark=torch.zeros(1, dtype=torch.int64),
            cvm_stage=torch.tensor([self.data.cvm_stage[item]], dtype=torch.int64),
            measurements=torch.from_numpy(scores.astype(np.float32))[None],
        )

    def _draw(self, epoch: int, item: int, size: Size, points: NDArray[np.float64]) -> Drawn:
        """The sample's changes, drawn with the cached image as the source."""
        if not self.augmentation:
            return UNCHANGED
        pixel_size_mm = float(self.data.pixel_size_mm[item]) * float(self.data.sizes[item, 0]) / size[0]
        source = Source(
            image_id=self.data.image_ids[item],
            path="",
            size=size,
            pixel_size_mm=pixel_size_mm if math.isfinite(pixel_size_mm) else None,
            landmarks={
                name: (x, y) for name, (x, y) in zip(self.data.landmarks, points.tolist(), strict=True) if math.isfinite(x)
            },
        )
        return draw_changes(self.augmentation, source, sample_rng(self.seed, epoch, item))

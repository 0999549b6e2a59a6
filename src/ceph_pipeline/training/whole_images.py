"""Whole images for stage 1, read from the pre-resized cache and warped once."""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ceph_pipeline.images import ImageStore
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size
from ceph_pipeline.landmarks.tables import points_array, reader_points
from ceph_pipeline.training.batch import Batch, sample_rng
from ceph_pipeline.training.online import cut_out, random_affine, random_greys
from ceph_pipeline.training.params import OnlineAugmentation
from ceph_pipeline.training.sampling import Draw


def frame(source: Size, target: Size, resize: str) -> Affine:
    """The map from an image to the network's input: letterboxed, or stretched to fill it."""
    return Affine.letterbox(source, target) if resize == "letterbox" else Affine.resize(source, target)


@dataclass(frozen=True)
class WholeImages:
    """A split's images with their targets, as arrays in one order.

    Attributes:
        image_ids: N identifiers.
        sizes: `(N, 2)` width and height of the originals in px.
        points: `(N, K, 2)` in px of the originals, NaN where missing.
        pixel_size_mm: `(N,)`, NaN where unknown.
        cvm_stage: `(N,)` 1–6, 0 where unknown.
        measurements: `(N, M)`, in their own units, NaN where unknown.
    """

    image_ids: list[str]
    sizes: NDArray[np.int64]
    points: NDArray[np.float64]
    pixel_size_mm: NDArray[np.float64]
    cvm_stage: NDArray[np.int64]
    measurements: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.image_ids)

    @classmethod
    def from_tables(  # one argument a table
        cls,
        images: pd.DataFrame,
        landmarks: pd.DataFrame,
        cvm: pd.DataFrame,
        measurements: pd.DataFrame,
        names: list[str],
        measurement_keys: tuple[str, ...],
        reader: str,
    ) -> "WholeImages":
        """Line the tables up on the rows of `images`."""
        ids = images["image_id"].tolist()
        stages = cvm.set_index("image_id")["stage"].reindex(ids).fillna(0).to_numpy(np.int64)
        of_reader = measurements[measurements["reader"] == reader]
        wide = of_reader.pivot_table(index="image_id", columns="measurement", values="value", dropna=False)
        return cls(
            image_ids=ids,
            sizes=images[["width", "height"]].to_numpy(np.int64),
            points=points_array(reader_points(landmarks, reader), ids, names),
            pixel_size_mm=images["pixel_size_mm"].to_numpy(np.float64),
            cvm_stage=stages,
            measurements=wide.reindex(index=ids, columns=list(measurement_keys)).to_numpy(np.float64),
        )


class WholeImageDataset(Dataset[Batch]):
    """Samples of stage 1: one warp from the cached image to the network's input.

    Args:
        data: Images and targets; measurements already z-scored.
        cache: Pre-resized images.
        input_size: (width, height) of the network's input.
        resize: `letterbox` or `stretch`.
        seed: Root of the random draws.
        augmentation: None leaves the image as it is.
    """

    def __init__(
        self,
        data: WholeImages,
        cache: ImageStore,
        input_size: Size,
        resize: str,
        seed: int,
        augmentation: OnlineAugmentation | None = None,
    ) -> None:
        self.data, self.cache, self.input_size, self.resize = data, cache, input_size, resize
        self.seed, self.augmentation = seed, augmentation

    def __len__(self) -> int:
        return len(self.data)

    def image_id(self, item: int) -> str:
        """Identifier of an item's image."""
        return self.data.image_ids[item]

    def __getitem__(self, draw: Draw) -> Batch:
        epoch, item = draw
        rng = sample_rng(self.seed, epoch, item)
        cached = self.cache.read(self.data.image_ids[item])
        original: Size = (int(self.data.sizes[item, 0]), int(self.data.sizes[item, 1]))
        to_input = frame(original, self.input_size, self.resize)
        pixels = normalise(cached)
        if self.augmentation is not None:
            to_input = to_input.then(random_affine(rng, self.input_size, self.augmentation))
            pixels = random_greys(rng, pixels, self.augmentation)
        warp = Affine.resize(original, (cached.shape[1], cached.shape[0])).inverse().then(to_input)
        image = np.asarray(cv2.warpAffine(pixels, warp.matrix, self.input_size, flags=cv2.INTER_LINEAR), np.float32)
        if self.augmentation is not None:
            cut_out(rng, image, self.augmentation)
        return Batch(
            images=torch.from_numpy(image)[None, None],
            points=torch.from_numpy(to_input(self.data.points[item]).astype(np.float32))[None],
            to_original=torch.from_numpy(to_input.inverse().matrix.astype(np.float32))[None],
            pixel_size_mm=torch.tensor([self.data.pixel_size_mm[item]], dtype=torch.float32),
            long_side_px=torch.tensor([max(original)], dtype=torch.float32),
            landmark=torch.zeros(1, dtype=torch.int64),
            cvm_stage=torch.tensor([self.data.cvm_stage[item]], dtype=torch.int64),
            measurements=torch.from_numpy(self.data.measurements[item : item + 1].astype(np.float32)),
        )

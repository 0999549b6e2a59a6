"""Crops for stage 2, cut from full-size images; each image is decoded once for all of its crops in a batch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ceph_pipeline.augmentation.kinds import Kind, Source
from ceph_pipeline.augmentation.transforms import full_scale
from ceph_pipeline.crops import SourcePyramid
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks import Affines
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.augment_online import UNCHANGED, Drawn, draw_changes
from ceph_pipeline.training.batch import Batch, sample_rng
from ceph_pipeline.training.sampling import Draw


@dataclass(frozen=True)
class ImageCrops:
    """The crops of one image that have a target.

    Attributes:
        image_id: The image from which the crops are cut.
        machine: Device, for sampling by device.
        pixel_size_mm: NaN where unknown.
        landmark: `(R,)` channel of each crop's landmark.
        centre, target: `(R, 2)` in px of the image.
        field_px, rotation_deg: `(R,)`.
    """

    image_id: str
    machine: str
    pixel_size_mm: float
    landmark: NDArray[np.int64]
    centre: NDArray[np.float64]
    target: NDArray[np.float64]
    field_px: NDArray[np.float64]
    rotation_deg: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.landmark)


def group_by_image(crops: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, names: list[str]) -> list[ImageCrops]:
    """The crop index and its targets, one group per image; crops of missing points are omitted.

    Args:
        crops: Crop index of one split.
        landmarks: One reader's points of the same images.
        images: Rows of the images.
        names: Landmarks in channel order.

    Raises:
        TrainingError: the images table lacks an image of the crop index.
    """
    strangers = sorted(set(crops["image_id"]) - set(images["image_id"]))
    if strangers:
        raise TrainingError(
            f"stage2: {strangers[0]} of the crop index is not in the images table, {len(strangers)} such images: the two tables "
            "are from different runs. Run the crops pipeline again."
        )
    targets = crops.merge(landmarks[["image_id", "landmark", "x", "y"]], on=["image_id", "landmark"], how="left")
    targets = targets.dropna(subset=["x", "y"])
    channels = {name: channel for channel, name in enumerate(names)}
    machines, pixel_sizes = (images.set_index("image_id")[column] for column in ("machine", "pixel_size_mm"))
    return [
        ImageCrops(
            image_id=str(image_id),
            machine=str(machines[image_id]),
            pixel_size_mm=float(pixel_sizes[image_id]),
            landmark=np.array([channels[str(name)] for name in rows["landmark"]], np.int64),
            centre=rows[["centre_x", "centre_y"]].to_numpy(np.float64),
            target=rows[["x", "y"]].to_numpy(np.float64),
            field_px=rows["field_px"].to_numpy(np.float64),
            rotation_deg=rows["rotation_deg"].to_numpy(np.float64),
        )
        for image_id, rows in targets.groupby("image_id", sort=True)
    ]


class CropDataset(Dataset[Batch]):
    """Samples of stage 2: some crops of one source, as a small batch.

    Args:
        groups: The crops, by image.
        store: Full-size images.
        crop_px: Side of a crop.
        crops_per_image: Number of crops per draw.
        seed: Seed of the random draws.
        augmentation: Kinds of augmentation on the fly, applied to each crop separately; None for no augmentation. The crop
            index already shifts, rotates and scales crops.
        usual_field_mm: Side of the crops' field of view, used for augmentation if the pixel size is unknown.
    """

    def __init__(
        self,
        groups: list[ImageCrops],
        store: ImageStore,
        crop_px: int,
        crops_per_image: int,
        seed: int,
        augmentation: Mapping[str, Kind] | None = None,
        usual_field_mm: float = 25.0,
    ) -> None:
        store.require(group.image_id for group in groups)
        self.groups, self.store, self.crop_px = groups, store, crop_px
        self.crops_per_image, self.seed, self.augmentation = crops_per_image, seed, augmentation or {}
        self.usual_field_mm = usual_field_mm

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, draw: Draw) -> Batch:
        turn, item = draw
        rng = sample_rng(self.seed, turn, item)
        group = self.groups[item]
        rows = rng.choice(len(group), min(self.crops_per_image, len(group)), replace=False)
        full_size = self.store.read(group.image_id)
        maps = Affines.crops(group.centre[rows], group.field_px[rows], self.crop_px, group.rotation_deg[rows])
        drawn = self._draw(group, maps(group.target[rows]), group.field_px[rows], rng)
        maps = maps.then(Affines(np.stack([changes.affine.matrix for changes in drawn])))
        cut = SourcePyramid(full_size).cut(maps, self.crop_px)
        white = full_scale(full_size)
        crops = [changes.levels(pixels, white=white) for changes, pixels in zip(drawn, cut, strict=True)]
        points = [changes.moved(point) for changes, point in zip(drawn, maps(group.target[rows]), strict=True)]
        return Batch(
            images=torch.from_numpy(np.stack(crops))[:, None],
            points=torch.from_numpy(np.stack(points).astype(np.float32))[:, None],
            to_original=torch.from_numpy(maps.inverse().matrix.astype(np.float32)),
            pixel_size_mm=torch.full((len(rows),), group.pixel_size_mm, dtype=torch.float32),
            long_side_px=torch.full((len(rows),), max(full_size.shape[:2]), dtype=torch.float32),
            landmark=torch.from_numpy(group.landmark[rows]),
            cvm_stage=torch.zeros(len(rows), dtype=torch.int64),
            measurements=torch.zeros(len(rows), 0),
        )

    def _draw(
        self, group: ImageCrops, targets: NDArray[np.float64], fields: NDArray[np.float64], rng: np.random.Generator
    ) -> list[Drawn]:
        """The changes of each crop, drawn with the crop as a source with one landmark."""
        if not self.augmentation:
            return [UNCHANGED] * len(targets)
        pixel_size_mm = group.pixel_size_mm if math.isfinite(group.pixel_size_mm) else self.usual_field_mm / float(fields.mean())
        return [
            draw_around_target(
                self.augmentation,
                Source(
                    group.image_id, "", (self.crop_px, self.crop_px), pixel_size_mm * field / self.crop_px, {"target": (x, y)}
                ),
                rng,
            )
            for (x, y), field in zip(targets.tolist(), fields.tolist(), strict=True)
        ]


def draw_around_target(recipe: Mapping[str, Kind], crop: Source, rng: np.random.Generator) -> Drawn:
    """The changes of one crop, whose pixels are warped before the other kinds are applied.

    Kinds that avoid the landmark are drawn again with the same random numbers and the landmark's warped position.
    """
    state = rng.bit_generator.state
    drawn = draw_changes(recipe, crop, rng)
    if not drawn.others:
        return drawn
    rng.bit_generator.state = state
    moved = drawn.affine(np.array(crop.landmarks["target"])).tolist()
    return replace(draw_changes(recipe, replace(crop, landmarks={"target": (moved[0], moved[1])}), rng), affine=drawn.affine)

"""Training of the refinement network on crops from tables."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ceph_pipeline.detector.checkpoint import TrainedNet, create_net
from ceph_pipeline.detector.own_weights import take_own_weights
from ceph_pipeline.landmarks.tables import points_array, reader_points
from ceph_pipeline.losses import activation_of
from ceph_pipeline.models import describe_net
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.crop_batches import CropDataset, ImageCrops, group_by_image
from ceph_pipeline.training.data_module import LandmarkData
from ceph_pipeline.training.facing import learns_flips
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.monitor import error_metric
from ceph_pipeline.training.sampling import EpochSampler, device_weights

if TYPE_CHECKING:
    import pandas as pd

    from ceph_pipeline.crops import CropParams
    from ceph_pipeline.detector.checkpoint import StageName
    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.distributed import Rank
    from ceph_pipeline.training.params import Stage2Params

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage2Tables:
    """Training data of stage 2.

    Attributes:
        crops: Crop index.
        images: Originals and augmented images.
        landmarks: Points of the images.
        source_pixels: Digests of the sources' pixels, so that changed pixels require a new training.
    """

    crops: pd.DataFrame
    images: pd.DataFrame
    landmarks: pd.DataFrame
    source_pixels: pd.DataFrame

    @classmethod
    def of(cls, crops: pd.DataFrame, images: pd.DataFrame, landmarks: pd.DataFrame, source_pixels: pd.DataFrame) -> Stage2Tables:
        """The tables of the given images; rows of other images are omitted."""
        ids = images["image_id"]
        pixels = source_pixels[source_pixels["image_id"].isin(images["source_id"])]
        return cls(crops[crops["image_id"].isin(ids)], images, landmarks[landmarks["image_id"].isin(ids)], pixels)

    def select(self, rows: pd.DataFrame, points: pd.DataFrame, names: list[str]) -> list[ImageCrops]:
        """The crops of some rows with their targets, by image.

        Raises:
            TrainingError: there are no crops.
        """
        groups = group_by_image(rows, points, self.images, names)
        if not groups:
            raise TrainingError("stage2: a split has no crops. Run the crops pipeline, and check the landmarks table.")
        return groups


@dataclass(frozen=True)
class Stage2Job:
    """Training of the refinement network.

    Attributes:
        tables: Crop index, images and points.
        store: Full-size pixels.
        crop_params: Crop parameters, which are stored in the checkpoint.
        params: The stage's parameters.
    """

    tables: Stage2Tables
    store: ImageStore
    crop_params: CropParams
    params: Stage2Params
    stage: ClassVar[StageName] = "stage2"

    def prepare(self, rank: Rank, splits: int = 0) -> tuple[LandmarkModule, LandmarkData]:
        """Network and data: the training split's crops, and the crops of the validation split's originals.

        Raises:
            TrainingError: a split has no crops, or too few images for the ranks.
        """
        params, crops, images = self.params, self.tables.crops, self.tables.images
        points = reader_points(self.tables.landmarks, params.reader)
        names = [str(name) for name in points["landmark"].unique()]
        originals = images.loc[images["kind"] == "original", "image_id"]
        train = self.tables.select(crops[crops["split"] == "train"], points, names)
        valid = self.tables.select(crops[(crops["split"] == "valid") & crops["image_id"].isin(originals)], points, names)
        trained = describe(names, self.crop_params, params)
        learned = points_array(points, [group.image_id for group in train], names)
        trained.facts["flips"] = learns_flips(learned, params.augmentation)
        logger.info(
            "stage2: %s; crops of %d training and %d validation images",
            describe_net(trained.net, trained.input_size),
            len(train),
            len(valid),
        )
        data = LandmarkData(
            "stage2",
            self._training(train),
            self._validation(valid),
            items=max(params.optim.batch_size // self._crops_per_draw(train), 1),
            valid_items=1,
            metric=error_metric(np.array([group.pixel_size_mm for group in valid])),
            optim=params.optim,
            loop=params.loop,
            rank=rank,
            splits=splits,
        )
        return LandmarkModule(trained, params.loss, params.optim), data

    def _training(self, groups: list[ImageCrops]) -> tuple[CropDataset, EpochSampler]:
        """The training dataset and its order; each draw selects some crops of a source."""
        params, crop_px = self.params, self.crop_params.crop_px
        each = self._crops_per_draw(groups)
        dataset = CropDataset(
            groups, self.store, crop_px, each, params.loop.seed, params.augmentation, self.crop_params.usual_field_mm
        )
        draws = -(-params.crops_per_epoch // each)
        weights = device_weights([group.machine for group in groups], params.loop.balance_devices)
        return dataset, EpochSampler(len(groups), draws, params.loop.seed, weights=weights)

    def _crops_per_draw(self, groups: list[ImageCrops]) -> int:
        """`crops_per_image`, limited by the crops per image; with fewer crops, batches and epochs contain more sources."""
        return min(self.params.crops_per_image, max(map(len, groups)))

    def _validation(self, groups: list[ImageCrops]) -> tuple[CropDataset, EpochSampler]:
        """The validation dataset and its order; the crops are the same in each validation."""
        params, crop_px = self.params, self.crop_params.crop_px
        dataset = CropDataset(groups, self.store, crop_px, -(-params.valid_crops // len(groups)), params.loop.seed)
        return dataset, EpochSampler(len(groups), len(groups), params.loop.seed, shuffle=False)


def describe(names: list[str], crop_params: CropParams, params: Stage2Params) -> TrainedNet:
    """A new network of stage 2 and its description."""
    architecture = params.net.model_dump() | {"n_landmarks": len(names)}
    net = create_net("stage2", architecture, params.loop.seed)
    take_own_weights(net, "stage2", names, params.net.pretrained)
    return TrainedNet(
        net=net,
        stage="stage2",
        landmarks=tuple(names),
        input_size=(crop_params.crop_px, crop_params.crop_px),
        stride=params.net.stride,
        sigma_px=params.loss.sigma_px,
        activation=activation_of(params.loss.kind),
        architecture=net.architecture,
        facts={"crops": crop_params.model_dump(mode="json")},
    )

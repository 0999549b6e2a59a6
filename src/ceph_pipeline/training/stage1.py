"""Training of the whole-image network from tables."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ceph_pipeline.detector.checkpoint import TrainedNet, create_net
from ceph_pipeline.detector.own_weights import take_own_weights
from ceph_pipeline.landmarks.tables import images_in, reader_points
from ceph_pipeline.losses import activation_of
from ceph_pipeline.models import describe_net
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.data_module import LandmarkData
from ceph_pipeline.training.facing import learns_flips
from ceph_pipeline.training.label_checks import check_points
from ceph_pipeline.training.measurement_scores import UNMEASURED, MeasurementMoments, measurement_moments
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.monitor import error_metric
from ceph_pipeline.training.sampling import EpochSampler, device_weights
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ceph_pipeline.detector.checkpoint import StageName
    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.distributed import Rank
    from ceph_pipeline.training.params import Stage1Params

logger = logging.getLogger(__name__)

_FEW = 5
"""Number of validation images below which epochs cannot be compared by their error."""


@dataclass(frozen=True)
class Stage1Tables:
    """Training data of stage 1.

    Attributes:
        images: Originals and augmented images.
        landmarks: Points of the images.
        cvm: CVM stages of the images.
        source_pixels: Digests of the sources' pixels, so that changed pixels require a new training.
    """

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
    source_pixels: pd.DataFrame

    @classmethod
    def of(cls, images: pd.DataFrame, landmarks: pd.DataFrame, cvm: pd.DataFrame, source_pixels: pd.DataFrame) -> Stage1Tables:
        """The tables of the given images; rows of other images are omitted."""
        ids = images["image_id"]
        return cls(
            images=images,
            landmarks=landmarks[landmarks["image_id"].isin(ids)],
            cvm=cvm[cvm["image_id"].isin(ids)],
            source_pixels=source_pixels[source_pixels["image_id"].isin(images["source_id"])],
        )

    @classmethod
    def of_cached(
        cls,
        images: pd.DataFrame,
        cache_index: pd.DataFrame,
        landmarks: pd.DataFrame,
        cvm: pd.DataFrame,
        source_pixels: pd.DataFrame,
    ) -> Stage1Tables:
        """The tables of the images in the cache, without the test split."""
        return cls.of(images_in(images, cache_index, ("train", "valid")), landmarks, cvm, source_pixels)

    def select(self, rows: pd.DataFrame, names: list[str], reader: str) -> WholeImages:
        """The images of some rows with their targets.

        Raises:
            TrainingError: there are no images, or their points are invalid.
        """
        if rows.empty:
            counts = ", ".join(f"{split} {int((self.images['split'] == split).sum())}" for split in ("train", "valid"))
            raise TrainingError(
                f"stage1: a split has no images ({counts}). Check the images table's splits and the audit's exclusions."
            )
        data = WholeImages.from_tables(rows, self.landmarks, self.cvm, names, reader)
        check_points(data.points, data.image_ids, rows["source_id"].tolist(), names, f"stage1, {rows['split'].iloc[0]} split")
        return data


@dataclass(frozen=True)
class Stage1Job:
    """Training of the whole-image network."""

    tables: Stage1Tables
    store: ImageStore
    params: Stage1Params
    stage: ClassVar[StageName] = "stage1"
    crop_params: ClassVar[None] = None

    def prepare(self, rank: Rank, splits: int = 0) -> tuple[LandmarkModule, LandmarkData]:
        """Network and data: the training split's originals and copies, and the validation split's originals.

        Raises:
            TrainingError: a split is empty, or too small for the ranks.
        """
        tables, params, images = self.tables, self.params, self.tables.images
        names = [str(name) for name in reader_points(tables.landmarks, params.reader)["landmark"].unique()]
        train = tables.select(images[images["split"] == "train"], names, params.reader)
        originals = images[(images["split"] == "valid") & (images["kind"] == "original")]
        valid = tables.select(originals, names, params.reader)
        moments = self._moments(train)
        trained = describe(names, params, moments, n_stages=6 if params.loss.cvm_weight and train.cvm_stage.any() else 0)
        trained.facts["flips"] = learns_flips(train.points, params.augmentation)
        logger.info(
            "stage1: %s; %d training and %d validation images",
            describe_net(trained.net, trained.input_size),
            len(train),
            len(valid),
        )
        if len(valid) < _FEW and params.loop.monitor != "last":
            logger.warning(
                "stage1: %d validation images are too few to compare epochs; stage1.loop.monitor=last keeps the last epoch",
                len(valid),
            )
        data = LandmarkData(
            "stage1",
            (self._dataset(train, moments, trained, augmented=True), _training_order(train, params)),
            (self._dataset(valid, moments, trained), EpochSampler(len(valid), len(valid), params.loop.seed, shuffle=False)),
            items=params.optim.batch_size,
            valid_items=params.optim.batch_size,
            metric=error_metric(valid.pixel_size_mm[np.isfinite(valid.points).all(-1).any(-1)]),
            optim=params.optim,
            loop=params.loop,
            rank=rank,
            splits=splits,
        )
        return LandmarkModule(trained, params.loss, params.optim, cvm_class_weights(train.cvm_stage)), data

    def _moments(self, train: WholeImages) -> MeasurementMoments:
        """Moments for the z-scores of the measurement targets; empty if the weight of these heads is 0."""
        net = self.params.net
        size = (net.input_width_px, net.input_height_px)
        return measurement_moments(train.measured(size, net.resize)) if self.params.loss.cvm_weight else UNMEASURED

    def _dataset(
        self, data: WholeImages, moments: MeasurementMoments, trained: TrainedNet, *, augmented: bool = False
    ) -> WholeImageDataset:
        """The samples of a split; both splits use the same geometry."""
        augmentation = self.params.augmentation if augmented else None
        net, seed = self.params.net, self.params.loop.seed
        return WholeImageDataset(
            data, self.store, trained.input_size, net.resize, seed, augmentation, moments, input_gamma=net.input_gamma
        )


def describe(names: list[str], params: Stage1Params, moments: MeasurementMoments, *, n_stages: int) -> TrainedNet:
    """A new network of stage 1 and its description."""
    architecture = params.net.model_dump(exclude={"input_width_px", "input_height_px", "input_gamma", "resize"}) | {
        "n_landmarks": len(names),
        "cvm_stages": n_stages,
        "n_measurements": len(moments.keys),
        "measured_maps": (activation_of(params.loss.kind), params.loss.sigma_px),
    }
    net = create_net("stage1", architecture, params.loop.seed)
    take_own_weights(net, "stage1", names, params.net.pretrained)
    return TrainedNet(
        net=net,
        stage="stage1",
        landmarks=tuple(names),
        input_size=(params.net.input_width_px, params.net.input_height_px),
        stride=params.net.stride,
        sigma_px=params.loss.sigma_px,
        activation=activation_of(params.loss.kind),
        architecture=net.architecture,
        facts={
            "resize": params.net.resize,
            "input_gamma": params.net.input_gamma,
            "measurements": list(moments.keys),
            "measurement_mean": moments.mean.tolist(),
            "measurement_sd": moments.sd.tolist(),
        },
    )


def cvm_class_weights(stages: NDArray[np.int64]) -> list[float]:
    """Weights of CS1–CS6, inverse to the square root of their frequency, with mean 1 over the images; 1 for absent stages."""
    counts = np.bincount(stages, minlength=7)[1:7].astype(np.float64)
    if not counts.any():
        return [1.0] * 6
    weights = np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0)
    weights *= counts.sum() / (weights * counts).sum()
    return [float(weight) for weight in np.where(counts > 0, weights, 1.0)]


def _training_order(data: WholeImages, params: Stage1Params) -> EpochSampler:
    weights = device_weights(data.machines, params.loop.balance_devices)
    return EpochSampler(len(data), params.images_per_epoch or len(data), params.loop.seed, weights=weights)

"""Training of the refinement network on crops, from tables to checkpoint."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.landmarks.tables import reader_points
from ceph_pipeline.losses import create_loss
from ceph_pipeline.models import count_parameters
from ceph_pipeline.training.checkpoint import TrainedNet, create_net
from ceph_pipeline.training.crop_batches import CropDataset, ImageCrops, group_by_image
from ceph_pipeline.training.fit import TrainingError, finish, finished, fit, make_loader
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.sampling import EpochSampler

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ceph_pipeline.crops import CropParams
    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.params import Stage2Params

logger = logging.getLogger(__name__)


def train_refinement_net(
    crops: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    source_pixels: pd.DataFrame,
    store: ImageStore,
    folder: Path,
    crop_params: CropParams,
    params: Stage2Params,
) -> Path:
    """Train on the training split's crops, choose the epoch on crops of the validation split's originals.

    Args:
        crops: Crop index of both splits.
        images: Augmented images.
        landmarks: Their points.
        source_pixels: Digests of the sources' pixels: other pixels under the same tables are another training.
        store: Their full-size pixels.
        folder: Where the training keeps its state and leaves `best.ckpt`.
        crop_params: How crops are cut; travels in the checkpoint.
        params: The stage's parameters.

    Returns:
        Path of the checkpoint.

    Raises:
        TrainingError: a split has no crops.
    """
    print_ = fingerprint(crops, images, landmarks, source_pixels, crop_params, params)
    if finished(folder, print_, force=params.loop.force):
        logger.info("stage2: skipped, %s was trained from the same data and parameters", folder / "best.ckpt")
        return folder / "best.ckpt"
    points = reader_points(landmarks, params.reader)
    names = [str(name) for name in points["landmark"].unique()]
    originals = images.loc[images["kind"] == "original", "image_id"]
    groups: dict[str, list[ImageCrops]] = {}
    for split, rows in {
        "train": crops[crops["split"] == "train"],
        "valid": crops[(crops["split"] == "valid") & crops["image_id"].isin(originals)],
    }.items():
        groups[split] = group_by_image(rows, points, images, names)
        if not groups[split]:
            raise TrainingError(
                f"stage2: the {split} split has no crops. Run the crops pipeline, and look at the landmarks table."
            )
    trained = describe(names, crop_params, params)
    logger.info(
        "stage2: %s, %.1f million parameters, crops of %d training and %d validation images",
        params.net.backbone,
        count_parameters(trained.net) / 1e6,
        len(groups["train"]),
        len(groups["valid"]),
    )
    crop_px, per_image, seed = crop_params.crop_px, params.crops_per_image, params.loop.seed
    per_valid_image = -(-params.valid_crops // len(groups["valid"]))
    fit(
        LandmarkModule(trained, params.loss, params.optim),
        make_loader(
            CropDataset(groups["train"], store, crop_px, per_image, seed, params.augmentation),
            EpochSampler(len(groups["train"]), -(-params.crops_per_epoch // per_image), seed),
            max(1, params.optim.batch_size // per_image),
            params.loop,
        ),
        make_loader(
            CropDataset(groups["valid"], store, crop_px, per_valid_image, seed),
            EpochSampler(len(groups["valid"]), len(groups["valid"]), seed, shuffle=False),
            1,
            params.loop,
        ),
        folder,
        params,
        monitor="val/mre_mm" if any(np.isfinite(group.pixel_size_mm) for group in groups["valid"]) else "val/mre_px",
    )
    return finish(folder, trained)


def describe(names: list[str], crop_params: CropParams, params: Stage2Params) -> TrainedNet:
    """A new network of stage 2 with its description."""
    architecture = {
        "backbone": params.net.backbone,
        "n_landmarks": len(names),
        "stride": params.net.stride,
        "dropout": params.net.dropout,
        "pretrained": params.net.pretrained,
    }
    return TrainedNet(
        net=create_net("stage2", architecture, params.loop.seed),
        stage="stage2",
        landmarks=tuple(names),
        input_size=(crop_params.crop_px, crop_params.crop_px),
        stride=params.net.stride,
        sigma_px=params.loss.sigma_px,
        activation=create_loss(params.loss.kind, sigma=params.loss.sigma_px).activation,
        architecture=architecture,
        facts={"crops": crop_params.model_dump(mode="json")},
    )

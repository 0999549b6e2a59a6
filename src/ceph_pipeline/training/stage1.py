"""Training of the whole-image network, from tables to checkpoint."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.cephalometry import VERTICAL_MEASUREMENTS
from ceph_pipeline.landmarks.tables import reader_points
from ceph_pipeline.losses import create_loss
from ceph_pipeline.models import count_parameters
from ceph_pipeline.training.checkpoint import TrainedNet, create_net
from ceph_pipeline.training.fit import TrainingError, finish, finished, fit, make_loader
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.sampling import EpochSampler
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.params import Stage1Params

logger = logging.getLogger(__name__)


def train_whole_image_net(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    measurements: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    folder: Path,
    params: Stage1Params,
) -> Path:
    """Train on the training split's images and copies, choose the epoch on the validation split's originals.

    Args:
        images: Augmented images.
        landmarks: Their points.
        cvm: Their CVM stages.
        measurements: Their vertical measurements.
        source_pixels: Digests of the sources' pixels: other pixels under the same tables are another training.
        cache: Their pre-resized pixels.
        folder: Where the training keeps its state and leaves `best.ckpt`.
        params: The stage's parameters.

    Returns:
        Path of the checkpoint.

    Raises:
        TrainingError: a split is empty.
    """
    print_ = fingerprint(images, landmarks, cvm, measurements, source_pixels, params)
    if finished(folder, print_, force=params.loop.force):
        logger.info("stage1: skipped, %s was trained from the same data and parameters", folder / "best.ckpt")
        return folder / "best.ckpt"
    names = [str(name) for name in reader_points(landmarks, params.reader)["landmark"].unique()]
    keys = VERTICAL_MEASUREMENTS if params.loss.cvm_weight else ()
    splits = {}
    for split, rows in {
        "train": images[images["split"] == "train"],
        "valid": images[(images["split"] == "valid") & (images["kind"] == "original")],
    }.items():
        if rows.empty:
            raise TrainingError(f"stage1: the {split} split holds no image. Look at the images table and the audit's exclusions.")
        splits[split] = WholeImages.from_tables(rows, landmarks, cvm, measurements, names, keys, params.reader)
    train, valid = splits["train"], splits["valid"]
    mean, sd = _moments(train.measurements)
    trained = describe(names, params, n_stages=6 if params.loss.cvm_weight and train.cvm_stage.any() else 0, moments=(mean, sd))
    train, valid = (replace(split, measurements=(split.measurements - mean) / sd) for split in (train, valid))
    logger.info(
        "stage1: %s, %.1f million parameters, %d training and %d validation images",
        params.net.backbone,
        count_parameters(trained.net) / 1e6,
        len(train),
        len(valid),
    )
    size, resize, seed = trained.input_size, params.net.resize, params.loop.seed
    per_batch = min(params.optim.batch_size, len(train))
    fit(
        LandmarkModule(trained, params.loss, params.optim, stage_weights(train.cvm_stage)),
        make_loader(
            WholeImageDataset(train, cache, size, resize, seed, params.augmentation),
            EpochSampler(len(train), len(train), seed),
            per_batch,
            params.loop,
        ),
        make_loader(
            WholeImageDataset(valid, cache, size, resize, seed),
            EpochSampler(len(valid), len(valid), seed, shuffle=False),
            per_batch,
            params.loop,
        ),
        folder,
        params,
        monitor="val/mre_mm" if np.isfinite(valid.pixel_size_mm).any() else "val/mre_px",
    )
    return finish(folder, trained)


def describe(
    names: list[str], params: Stage1Params, *, n_stages: int, moments: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> TrainedNet:
    """A new network of stage 1 with its description."""
    architecture = {
        "backbone": params.net.backbone,
        "n_landmarks": len(names),
        "stride": params.net.stride,
        "dropout": params.net.dropout,
        "pretrained": params.net.pretrained,
        "cvm_stages": n_stages,
        "n_measurements": len(moments[0]),
    }
    return TrainedNet(
        net=create_net("stage1", architecture, params.loop.seed),
        stage="stage1",
        landmarks=tuple(names),
        input_size=(params.net.input_width_px, params.net.input_height_px),
        stride=params.net.stride,
        sigma_px=params.loss.sigma_px,
        activation=create_loss(params.loss.kind, sigma=params.loss.sigma_px).activation,
        architecture=architecture,
        facts={
            "resize": params.net.resize,
            "measurements": list(VERTICAL_MEASUREMENTS[: len(moments[0])]),
            "measurement_mean": moments[0].tolist(),
            "measurement_sd": moments[1].tolist(),
        },
    )


def stage_weights(stages: NDArray[np.int64]) -> list[float]:
    """Weights of CS1–CS6, inverse to their square-rooted frequency, mean 1 over the images; an unseen stage weighs 1."""
    counts = np.bincount(stages, minlength=7)[1:7].astype(np.float64)
    if not counts.any():
        return [1.0] * 6
    weights = np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0)
    weights *= counts.sum() / (weights * counts).sum()
    return [float(weight) for weight in np.where(counts > 0, weights, 1.0)]


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation `(M,)` of each measurement; 0 and 1 where fewer than two are known."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    variance = np.where(known, (filled - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count, 1)
    return mean, np.where((count > 1) & (variance > 0), np.sqrt(variance), 1.0)

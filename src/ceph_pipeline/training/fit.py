"""Fitting a network: the trainer, its safeguards and the way back from an interruption."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from lightning import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader, Dataset

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.training.batch import Batch, concatenate
from ceph_pipeline.training.callbacks import EpochLog, ExponentialAverage, StepSeed
from ceph_pipeline.training.checkpoint import TrainedNet, save_checkpoint
from ceph_pipeline.training.precision import lightning_precision
from ceph_pipeline.training.sampling import EpochSampler
from ceph_pipeline.training.tracking import child_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.params import LoopParams, OptimParams, Stage1Params, Stage2Params

logger = logging.getLogger(__name__)

Monitor = Literal["val/mre_mm", "val/mre_px"]


class TrainingError(RuntimeError):
    """A training cannot start or has gone wrong."""


def make_loader(  # the datasets' items are small batches, joined into one
    dataset: Dataset[Batch], sampler: EpochSampler, items_per_batch: int, loop: LoopParams
) -> DataLoader[Batch]:
    """A loader whose batches join `items_per_batch` items; a shuffled one drops its last, incomplete batch."""
    return DataLoader(
        dataset,
        batch_size=items_per_batch,
        sampler=sampler,
        collate_fn=concatenate,
        drop_last=sampler.shuffle and len(sampler) >= items_per_batch,
        num_workers=loop.workers,
        persistent_workers=loop.workers > 0,
        prefetch_factor=4 if loop.workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def fit(
    module: LandmarkModule,
    train: DataLoader[Batch],
    valid: DataLoader[Batch],
    folder: Path,
    params: Stage1Params | Stage2Params,
    *,
    monitor: Monitor,
) -> TrainedNet:
    """Train, and return the network with the weights of the best validation error.

    `folder` receives `last.ckpt` after every epoch; when it already holds one of the same training, that training goes on.

    Args:
        module: What learns.
        train: Loader of the training split.
        valid: Loader of the validation split.
        folder: Where the training keeps its state.
        params: The stage's parameters.
        monitor: The validation error that decides which weights are best.

    Raises:
        TrainingError: no validation error was finite.
    """
    optim, loop, stage = params.optim, params.loop, module.trained.stage
    last = folder / "last.ckpt"
    resume = last.is_file()
    module.net.to(memory_format=torch.channels_last)
    best = ModelCheckpoint(folder, "best-epoch", monitor=monitor, auto_insert_metric_name=False, enable_version_counter=False)
    every = ModelCheckpoint(folder, "last", every_n_epochs=1, save_on_train_epoch_end=True, enable_version_counter=False)
    with child_run(stage, folder, params, resume=resume) as run_logger:
        trainer = Trainer(
            default_root_dir=folder,
            max_epochs=optim.epochs,
            accelerator="auto",
            devices=1,
            precision=lightning_precision(optim.precision),
            accumulate_grad_batches=optim.accumulate_batches,
            gradient_clip_val=optim.clip_norm,
            check_val_every_n_epoch=min(loop.validate_every_epochs, optim.epochs),
            num_sanity_val_steps=0,
            logger=run_logger or False,
            callbacks=[*_callbacks(stage, optim, loop, monitor), best, every],
            enable_model_summary=False,
            log_every_n_steps=1,
        )
        if resume:
            logger.info("%s: an unfinished training is continued from %s", stage, last)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
            trainer.fit(module, train, valid, ckpt_path=last if resume else None, weights_only=True)
    _restore_best(module, best)
    return module.trained


def monitored(pixel_size_mm: NDArray[np.float64]) -> Monitor:
    """The validation error to go by: in mm, or in px where no pixel size is known."""
    return "val/mre_mm" if np.isfinite(pixel_size_mm).any() else "val/mre_px"


def finished(folder: Path, fingerprint: str, *, force: bool) -> bool:
    """Whether the training of these inputs is complete; if it is another's or forced, its remains are removed.

    Afterwards the folder's ledger stands at this fingerprint.
    """
    ledger = Ledger(folder)
    if ledger.is_complete(fingerprint) and not force and (folder / "best.ckpt").is_file():
        logger.info("training skipped: %s was made from the same data and parameters", folder / "best.ckpt")
        return True
    if force or not ledger.is_continuation(fingerprint):
        for remains in folder.glob("*.ckpt"):
            remains.unlink()
    ledger.begin(fingerprint, {})
    return False


def finish(folder: Path, trained: TrainedNet) -> Path:
    """Write the plain checkpoint, close the ledger and drop the training's own state."""
    target = folder / "best.ckpt"
    save_checkpoint(trained, target)
    Ledger(folder).finish()
    for remains in ("last.ckpt", "best-epoch.ckpt"):
        (folder / remains).unlink(missing_ok=True)
    return target


def _callbacks(stage: str, optim: OptimParams, loop: LoopParams, monitor: str) -> list[Callback]:
    callbacks: list[Callback] = [StepSeed(loop.seed), EpochLog(stage), TQDMProgressBar(refresh_rate=5, leave=False)]
    if optim.ema_decay is not None:
        callbacks.append(ExponentialAverage(optim.ema_decay))
    if loop.patience is not None:
        callbacks.append(EarlyStopping(monitor, patience=loop.patience, check_finite=True))
    return callbacks


def _restore_best(module: LandmarkModule, best: ModelCheckpoint) -> None:
    if not best.best_model_path:
        raise TrainingError("no validation error was finite: lower optim.learning_rate or look at the audit's findings.")
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    weights = {name.removeprefix("net."): value for name, value in state.items() if name.startswith("net.")}
    module.net.load_state_dict(weights)
    module.net.eval()

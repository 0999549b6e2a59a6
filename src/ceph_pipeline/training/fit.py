"""Fits a network: trainer, callbacks, retries after out-of-memory errors, and resuming."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.utilities.memory import garbage_collection_cuda

from ceph_pipeline.images import ImageReadError
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.batch_plan import is_out_of_memory
from ceph_pipeline.training.callbacks import EpochLog, ExponentialAverage, FiniteNumbers, Patience, Plateau, StepSeed
from ceph_pipeline.training.compiling import compile_net
from ceph_pipeline.training.distributed.strategy import shared_buffers, strategy
from ceph_pipeline.training.finder import find_learning_rate
from ceph_pipeline.training.health.callback import HealthWatch
from ceph_pipeline.training.monitor import kept_by, monitor_of
from ceph_pipeline.training.precision import lightning_precision
from ceph_pipeline.training.resume import BEST_EPOCH, FOUND, LAST, WholeCheckpoints, epochs_done, read_state
from ceph_pipeline.training.unfreezing import StagedUnfreezing

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import MLFlowLogger

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.training.data_module import LandmarkData
    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.params import Stage1Params, Stage2Params

logger = logging.getLogger(__name__)


def fit(
    module: LandmarkModule, data: LandmarkData, folder: Path, params: Stage1Params | Stage2Params, run_logger: MLFlowLogger | None
) -> TrainedNet:
    """Train and return the network; on rank 0, the network has the weights selected by `loop.monitor`.

    `last.ckpt` is written to `folder` after every epoch. If the file already exists, the training is resumed from it. If a
    batch does not fit the device's memory, the epoch starts again with smaller batches, and more of them are accumulated.

    Args:
        module: The module to train.
        data: Both splits; the batch size is reduced if memory is insufficient.
        folder: Folder of the training's state.
        params: The stage's parameters.
        run_logger: Receives rank 0's metrics; None for no logger.

    Raises:
        TrainingError: the loss or the validation error is not finite, or a batch of one item does not fit the memory.
        CheckpointError: the disk is full.
    """
    stage = module.trained.stage
    module.net.to(memory_format=torch.channels_last)
    if params.optim.compile:
        compile_net(module.net, stage)
    first = {name: value.clone() for name, value in module.net.state_dict().items()}
    attempt = Attempt(module, data, folder, params, run_logger)
    while not attempt.run():
        data.shrink()
        garbage_collection_cuda()
        logger.warning(
            "%s: the device's memory is full. The epoch starts again with batches of %d, %d of them accumulated. The "
            "effective batch size is unchanged, but BatchNorm uses the smaller batches",
            stage,
            data.plan.items,
            data.plan.accumulate,
        )
        if not (folder / LAST).is_file():
            module.net.load_state_dict(first)
    if data.rank.index == 0:
        _restore_best(module, folder)
    return module.trained


@dataclass(frozen=True)
class Attempt:
    """One attempt of a training, which can be repeated with other batches; for the fields see `fit`."""

    module: LandmarkModule
    data: LandmarkData
    folder: Path
    params: Stage1Params | Stage2Params
    run_logger: MLFlowLogger | None

    def run(self) -> bool:
        """Train from the last complete epoch to the end; False if a batch does not fit the device's memory.

        Raises:
            TrainingError: an image can no longer be read.
        """
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
                if self.params.loop.find is not None:
                    rate = find_learning_rate(self.module, self.data, self.folder / FOUND, self.run_logger)
                    self.module.optim = self.params.optim.model_copy(update={"learning_rate": rate})
                self._fit()
        except ImageReadError as error:
            message = f"{self.module.trained.stage}: {own_words(error)} Then run the same command to resume after the last epoch."
            raise TrainingError(message) from error
        except RuntimeError as error:
            if self.data.rank.world > 1 or not is_out_of_memory(error):
                raise
            return False
        return True

    def _fit(self) -> None:
        last = self.folder / LAST
        done = epochs_done(last)
        if done:
            logger.info("%s: resuming an unfinished training after epoch %d", self.module.trained.stage, done)
        self.data.first_epoch = done
        self.module.train()
        try:
            self._trainer().fit(self.module, datamodule=self.data, ckpt_path=last if done else None, weights_only=True)
        except SystemExit as end:  # Lightning raises it on Ctrl-C, without a message
            stage = self.module.trained.stage
            logger.warning("%s: interrupted. The same command resumes after epoch %d", stage, epochs_done(last))
            raise KeyboardInterrupt from end

    def _trainer(self) -> Trainer:
        optim, loop, plan = self.params.optim, self.params.loop, self.data.plan
        return Trainer(
            default_root_dir=self.folder,
            max_epochs=optim.epochs,
            accelerator="auto",
            devices=loop.devices,
            num_nodes=loop.nodes,
            strategy=strategy(self.data.rank, some_frozen=optim.unfreeze_after_epochs > 0),
            sync_batchnorm=loop.sync_batchnorm,
            use_distributed_sampler=False,
            precision=lightning_precision(optim.precision),
            accumulate_grad_batches=plan.accumulate,
            limit_train_batches=plan.batches,
            gradient_clip_val=optim.clip_norm,
            check_val_every_n_epoch=min(loop.validate_every_epochs, optim.epochs),
            num_sanity_val_steps=0,
            logger=self.run_logger or False,
            callbacks=self._callbacks(),
            plugins=[WholeCheckpoints()],
            enable_model_summary=False,
            log_every_n_steps=1,
        )

    def _callbacks(self) -> list[Callback]:
        """The callbacks of the trainer; the two that write checkpoints come last."""
        optim, loop = self.params.optim, self.params.loop
        monitor = monitor_of(loop, self.data.metric)
        stage = self.module.trained.stage
        callbacks: list[Callback] = [
            *shared_buffers(self.data.rank),
            StepSeed(loop.seed),
            StagedUnfreezing(stage, self.module.net, optim),
            HealthWatch(self.module.trained, self.params.model_copy(update={"optim": self.module.optim}), self.folder),
            FiniteNumbers(stage, monitor, searched=loop.find is not None),
            EpochLog(stage),
            TQDMProgressBar(refresh_rate=5, leave=False),
        ]
        if optim.schedule == "plateau":
            callbacks.append(Plateau(stage, monitor))
        if optim.ema_decay is not None:
            callbacks.append(ExponentialAverage(optim.ema_decay))
        if loop.patience is not None:
            callbacks.append(Patience(monitor, loop.patience))
        kept = kept_by(loop, monitor)
        best = ModelCheckpoint(
            self.folder,
            BEST_EPOCH.removesuffix(".ckpt"),
            monitor=kept.metric,
            mode=kept.mode,
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )
        every = ModelCheckpoint(
            self.folder, LAST.removesuffix(".ckpt"), every_n_epochs=1, save_on_train_epoch_end=True, enable_version_counter=False
        )
        return [*callbacks, best, every]


def _restore_best(module: LandmarkModule, folder: Path) -> None:
    state = read_state(folder / BEST_EPOCH)["state_dict"]
    weights = {name.removeprefix("net."): value for name, value in state.items() if name.startswith("net.")}
    module.net.load_state_dict(weights)
    module.net.eval()


def own_words(error: Exception) -> str:
    """An error's message, without the traceback of a data-loading process that PyTorch adds."""
    return str(error).strip().rpartition(f"{type(error).__name__}: ")[2]

"""Fitting a network: the trainer, its safeguards and the way back from an interruption."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.utilities.memory import garbage_collection_cuda
from torch.utils.data import DataLoader, Dataset

from ceph_pipeline.images import ImageReadError
from ceph_pipeline.training.batch import Batch, concatenate
from ceph_pipeline.training.callbacks import EpochLog, ExponentialAverage, Patience, Plateau, Snapshots, StepSeed
from ceph_pipeline.training.checkpoint_io import WholeCheckpoints
from ceph_pipeline.training.compiling import compile_net
from ceph_pipeline.training.continuation import BEST_EPOCH, FOUND, LAST, SNAPSHOTS, epochs_done, read_state
from ceph_pipeline.training.distributed.shares import RankShare
from ceph_pipeline.training.distributed.strategy import shared_buffers, strategy
from ceph_pipeline.training.errors import TrainingError, own_words
from ceph_pipeline.training.finder import find_learning_rate
from ceph_pipeline.training.finite import FiniteNumbers
from ceph_pipeline.training.goal import Goal, Monitor, goal_of
from ceph_pipeline.training.health.callback import HealthWatch
from ceph_pipeline.training.memory import BatchPlan, is_out_of_memory, smaller_plan, with_items
from ceph_pipeline.training.precision import lightning_precision
from ceph_pipeline.training.sampling import EpochSampler
from ceph_pipeline.training.unfreezing import StagedUnfreezing

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import MLFlowLogger

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.training.distributed.rank import Rank
    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.params import LoopParams, Stage1Params, Stage2Params

logger = logging.getLogger(__name__)


def make_loader(  # the datasets' items are small batches, joined into one
    dataset: Dataset[Batch], sampler: EpochSampler | RankShare, items_per_batch: int, loop: LoopParams
) -> DataLoader[Batch]:
    """A loader whose batches join `items_per_batch` items; a shuffled one drops its last, incomplete batch.

    Raises:
        TrainingError: a shuffled loader would not fill one batch.
    """
    if sampler.shuffle and len(sampler) < items_per_batch:
        raise TrainingError(
            f"a batch of {items_per_batch} is more than the {len(sampler)} images that training has: lower optim.batch_size."
        )
    return DataLoader(
        dataset,
        batch_size=items_per_batch,
        sampler=sampler,
        collate_fn=concatenate,
        drop_last=sampler.shuffle,
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
    monitor: Monitor,
    run_logger: MLFlowLogger | None,
    rank: Rank,
    splits: int = 0,
) -> TrainedNet:
    """Train, and return the network, on rank 0 with the weights of the best validation.

    `folder` receives `last.ckpt` after every epoch; when it already holds one of the same training, that training goes on.
    Where the device's memory does not take a batch, the epoch starts again with smaller batches and more of them accumulated.

    Args:
        module: What learns.
        train: Loader of the training split.
        valid: Loader of the validation split.
        folder: Where the training keeps its state.
        params: The stage's parameters.
        monitor: The validation error to go by, where `loop.monitor` asks for the error.
        run_logger: Where rank 0's curves go; None: nowhere.
        rank: Which of the processes that train together this one is.
        splits: How many times the batch is divided beforehand, since it did not fit some rank's memory.

    Raises:
        TrainingError: the loss or the validation error is no number, or one image alone does not fit the memory.
        CheckpointError: the disk is full.
    """
    stage, plan = module.trained.stage, BatchPlan.of(train, params.optim.accumulate_batches)
    module.net.to(memory_format=torch.channels_last)
    if params.optim.compile:
        compile_net(module.net, stage)
    first = {name: value.clone() for name, value in module.net.state_dict().items()}
    attempt = Attempt(module, params, folder, goal_of(params.loop, monitor), run_logger, rank)
    for _ in range(splits):
        plan = smaller_plan(plan, stage)
    while not attempt.succeeds(train, valid, plan):
        plan = smaller_plan(plan, stage)
        garbage_collection_cuda()
        logger.warning(
            "%s: the device's memory is full. Batches of %d, %d of them accumulated, keep the effective batch; BatchNorm "
            "sees the smaller ones. The epoch starts again",
            stage,
            plan.items,
            plan.accumulate,
        )
        if not (folder / LAST).is_file():
            module.net.load_state_dict(first)
    if rank.index == 0:
        _restore_best(module, folder)
    return module.trained


class Attempt:
    """One training, tried with one plan of batches after another.

    Args:
        module: What learns.
        params: The stage's parameters.
        folder: Where the training keeps its state.
        goal: What makes weights the best.
        run_logger: Where curves go; None: nowhere.
        rank: Which of the processes that train together this one is.
    """

    def __init__(
        self,
        module: LandmarkModule,
        params: Stage1Params | Stage2Params,
        folder: Path,
        goal: Goal,
        run_logger: MLFlowLogger | None,
        rank: Rank,
    ) -> None:
        self.module, self.params, self.folder = module, params, folder
        self.goal, self.run_logger, self.rank = goal, run_logger, rank

    def succeeds(self, train: DataLoader[Batch], valid: DataLoader[Batch], plan: BatchPlan) -> bool:
        """Train from the last completed epoch to the end; False when the memory does not take the plan's batches.

        Raises:
            TrainingError: an image cannot be read any more.
        """
        loader = with_items(train, plan.items)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
                if self.params.loop.find is not None:
                    rate = find_learning_rate(self.module, loader, plan, self.folder / FOUND, self.run_logger)
                    self.module.optim = self.params.optim.model_copy(update={"learning_rate": rate})
                self._run(loader, with_items(valid, min(plan.items, valid.batch_size or 1)), plan)
        except ImageReadError as error:
            message = f"{self.module.trained.stage}: {own_words(error)} The same command then goes on from the last whole epoch."
            raise TrainingError(message) from error
        except RuntimeError as error:
            if self.rank.world > 1 or not is_out_of_memory(error):
                raise
            return False
        return True

    def _run(self, train: DataLoader[Batch], valid: DataLoader[Batch], plan: BatchPlan) -> None:
        last = self.folder / LAST
        done = epochs_done(last)
        if done:
            logger.info("%s: an unfinished training is continued after epoch %d", self.module.trained.stage, done)
            if isinstance(train.sampler, EpochSampler | RankShare):
                train.sampler.set_epoch(done)  # workers draw ahead before Lightning says which epoch it is
        self.module.train()
        try:
            self._trainer(plan).fit(self.module, train, valid, ckpt_path=last if done else None, weights_only=True)
        except SystemExit as end:  # how Lightning answers Ctrl-C, without a word
            stage = self.module.trained.stage
            logger.warning("%s: interrupted. The same command goes on after epoch %d", stage, epochs_done(last))
            raise KeyboardInterrupt from end

    def _trainer(self, plan: BatchPlan) -> Trainer:
        optim, loop = self.params.optim, self.params.loop
        return Trainer(
            default_root_dir=self.folder,
            max_epochs=optim.epochs,
            accelerator="auto",
            devices=loop.devices,
            num_nodes=loop.nodes,
            strategy=strategy(self.rank, some_rest=optim.unfreeze_after_epochs > 0),
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
        """What watches and steers the loop; the two that save come last."""
        optim, loop, goal = self.params.optim, self.params.loop, self.goal
        stage = self.module.trained.stage
        callbacks: list[Callback] = [
            *shared_buffers(self.rank),
            StepSeed(loop.seed),
            StagedUnfreezing(stage, self.module.net, optim),
            HealthWatch(self.module.trained, self.params.model_copy(update={"optim": self.module.optim}), self.folder),
            FiniteNumbers(stage, goal, searched=loop.find is not None),
            EpochLog(stage),
            TQDMProgressBar(refresh_rate=5, leave=False),
        ]
        if optim.schedule == "plateau":
            callbacks.append(Plateau(stage, goal))
        if loop.snapshots:
            callbacks.append(Snapshots(self.module.trained, self.folder / SNAPSHOTS, loop.snapshots))
        if optim.ema_decay is not None:
            callbacks.append(ExponentialAverage(optim.ema_decay))
        if loop.patience is not None:
            callbacks.append(Patience(goal, loop.patience))
        best = ModelCheckpoint(
            self.folder,
            BEST_EPOCH.removesuffix(".ckpt"),
            monitor=goal.metric,
            mode=goal.mode,
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

"""The callback that collects a training's record, logs findings during the training, and writes the report at the end."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, cast

from lightning.pytorch.callbacks import Callback

from ceph_pipeline.artifacts import dotted
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.health import observe
from ceph_pipeline.training.health.checks import run_checks
from ceph_pipeline.training.health.record import Epoch, LocatedPoints, TrainingRecord, Validation, summarise
from ceph_pipeline.training.health.report import publish
from ceph_pipeline.training.health.verdict import hopeless

if TYPE_CHECKING:
    from pathlib import Path

    from lightning import LightningModule, Trainer
    from torch import Tensor

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.training.batch import Batch
    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.params import Stage1Params, Stage2Params

logger = logging.getLogger(__name__)


class HealthWatch(Callback):
    """Collects the record, logs each finding at its first occurrence, and writes the report to the training's folder.

    In a distributed training, every process has the same record: predicted points are gathered from all processes, and the
    decision to stop is made jointly.

    Attributes:
        record: The record of the training so far, which is restored when the training is resumed.
    """

    def __init__(self, trained: TrainedNet, params: Stage1Params | Stage2Params, folder: Path) -> None:
        self.params, self.folder = params.health, folder
        self.record = TrainingRecord(
            stage=trained.stage,
            landmarks=trained.landmarks,
            settings=dotted(params.model_dump(mode="json")),
            input_size=trained.input_size,
            stride=trained.stride,
        )
        self._points: list[LocatedPoints] = []
        self._validation: Validation | None = None
        self._step: observe.StepSize | None = None
        self._step_size: dict[str, float] = {}
        self._loss: Tensor | None = None
        self._known: set[str] = set()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        """Store the weights before an epoch's last step."""
        del batch
        if batch_idx + 1 == trainer.num_training_batches:
            self._step = observe.StepSize(cast("LandmarkModule", pl_module).net)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Store the loss, and measure the size of an epoch's last step."""
        del pl_module, batch
        self._loss = outputs["loss"].detach()
        if self._step is not None and batch_idx + 1 == trainer.num_training_batches:
            self._step_size, self._step = self._step.measure(), None

    def on_validation_batch_end(  # Lightning's annotation of the outputs allows tensors and mappings only
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Store the batch's predicted landmarks."""
        del trainer, pl_module, batch_idx, dataloader_idx
        self._points.append(observe.located_points(outputs, batch))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Summarise the validation over all processes."""
        del trainer, pl_module
        points = observe.from_all_ranks(LocatedPoints.join(self._points))
        self._points = []
        self._validation = summarise(points, len(self.record.landmarks), self.record.input_size, self.record.stride)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the epoch to the record; after a validation, log new findings and stop a hopeless training if configured."""
        del pl_module
        wanted = ("train/", "val/") if self._validation is not None else ("train/",)
        self._add(trainer, {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith(wanted)})
        if self._validation is not None:
            self._warn(trainer)
        self._validation = None

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write, print and log the report."""
        del pl_module
        if trainer.is_global_zero and self.record.epochs:
            publish(self.record, self.folder, trainer.logger)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write the report of a training that stopped because of NaN; other interruptions may be resumed."""
        if isinstance(exception, TrainingError) and self._loss is not None:
            self._add(trainer, {"train/loss": float(self._loss)})
            self.on_fit_end(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """The record as JSON, for a checkpoint of plain values."""
        return {"record": self.record.model_dump_json()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the record of an interrupted training."""
        self.record = TrainingRecord.model_validate_json(state_dict["record"])

    def _add(self, trainer: Trainer, curves: dict[str, float]) -> None:
        entry = Epoch(
            epoch=trainer.current_epoch + 1,
            steps=math.ceil(int(trainer.num_training_batches) / trainer.accumulate_grad_batches),
            curves=curves,
            learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
            step_size=self._step_size,
            validation=self._validation,
        )
        self.record = self.record.model_copy(update={"epochs": (*self.record.epochs, entry)})

    def _warn(self, trainer: Trainer) -> None:
        for name, finding in run_checks(self.record).items():
            if name not in self._known:
                self._known.add(name)
                logger.warning("%s health, epoch %d: %s", self.record.stage, trainer.current_epoch + 1, finding.detail)
        if not self.params.stop_hopeless:
            return
        reason = hopeless(self.record)
        if trainer.strategy.reduce_boolean_decision(reason is not None, all=False):
            trainer.should_stop = True
            logger.error("%s: training stopped as hopeless: %s", self.record.stage, reason)

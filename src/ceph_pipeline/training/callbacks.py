"""Callbacks: averaged weights, seeds per step, early stopping, `plateau` schedule, checks for NaN, and the epoch's log line."""

from __future__ import annotations

import logging
import math
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, WeightAveraging
from torch.optim.lr_scheduler import LambdaLR

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.optim import PlateauFactor

if TYPE_CHECKING:
    from lightning import LightningModule, Trainer
    from torch import Tensor

    from ceph_pipeline.training.monitor import Monitor

logger = logging.getLogger(__name__)


class ExponentialAverage(WeightAveraging):
    """Exponential moving average of weights and buffers from the first step on.

    The decay increases as (1 + n) / (10 + n) up to its configured value. Without this increase, short trainings would mainly
    validate their initial weights.
    """

    def __init__(self, decay: float) -> None:
        def update(averaged: list[Tensor], current: list[Tensor], n_averaged: Tensor | int) -> None:
            n = int(n_averaged)
            step = 1 - min(decay, (1 + n) / (10 + n))
            if torch.is_floating_point(averaged[0]):
                torch._foreach_lerp_(averaged, current, step)
            else:
                torch._foreach_copy_(averaged, current)

        super().__init__(use_buffers=True, multi_avg_fn=torch.no_grad()(update))


class StepSeed(Callback):
    """Reseeds torch's generators from (seed, epoch, batch, rank), so that dropout is the same in a resumed training."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Reseed before each batch."""
        del pl_module, batch
        root = np.random.SeedSequence([self.seed, trainer.current_epoch, batch_idx, trainer.global_rank])
        torch.manual_seed(int(root.generate_state(1)[0]))


class Patience(EarlyStopping):
    """Early stopping that also holds for a training that is resumed after its patience has run out."""

    def __init__(self, monitor: Monitor, patience: int) -> None:
        super().__init__(monitor.metric, mode=monitor.mode, patience=patience, check_finite=False)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop if the patience has already run out."""
        del pl_module
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


class Plateau(Callback):
    """Passes the error of each validation to the `plateau` schedule, before the epoch's checkpoint is written."""

    def __init__(self, stage: str, monitor: Monitor) -> None:
        self.stage, self.monitor = stage, monitor

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Update the schedule with the validation's error."""
        del pl_module
        scheduler = trainer.lr_scheduler_configs[0].scheduler
        factor = scheduler.lr_lambdas[0] if isinstance(scheduler, LambdaLR) else None
        if isinstance(factor, PlateauFactor) and factor.observe(self.monitor.error(trainer)):
            logger.info("%s: no improvement for %d validations, reducing the learning rate", self.stage, factor.patience)


class EpochLog(Callback):
    """Logs one line per validation: loss, errors, time per epoch and remaining time."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.started = 0.0
        self.first_epoch = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        del pl_module
        self.started, self.first_epoch = time.monotonic(), trainer.current_epoch

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the line after an epoch with a validation."""
        del pl_module
        metrics: dict[str, Any] = trainer.callback_metrics
        done, epochs = trainer.current_epoch + 1, int(trainer.max_epochs or 0)
        if "val/mre_px" not in metrics or done % (trainer.check_val_every_n_epoch or 1):
            return
        each = (time.monotonic() - self.started) / (done - self.first_epoch)
        mre_mm = float(metrics.get("val/mre_mm", math.nan))
        millimetres = " (no pixel size: no mm)"
        if math.isfinite(mre_mm):
            millimetres = f" = {mre_mm:.2f} mm, SDR 2 mm {metrics['val/sdr_2mm']:.1f} %"
        logger.info(
            "%s epoch %d/%d: loss %.3f, validation MRE %.2f px%s, PCK %.1f %%; %.1f s per epoch, %s left",
            self.stage,
            done,
            epochs,
            metrics.get("train/loss", math.nan),
            metrics["val/mre_px"],
            millimetres,
            metrics["val/pck"],
            each,
            timedelta(seconds=round(each * (epochs - done))),
        )


class FiniteNumbers(Callback):
    """Raises an error if a loss or a validation metric is NaN or infinite.

    The loss is checked one step later, so that the device computes the next step while the value is transferred.

    Args:
        stage: For the message.
        monitor: The validation metric that selects the best epoch.
        searched: Whether the learning rate was searched for; a configured learning rate would then be ignored.
    """

    def __init__(self, stage: str, monitor: Monitor, *, searched: bool) -> None:
        self.stage, self.monitor, self.searched = stage, monitor, searched
        self.last: tuple[int, Tensor] | None = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Check the loss of the previous step."""
        del pl_module, batch
        self._check(trainer)
        self.last = batch_idx, outputs["loss"].detach()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the loss of the epoch's last step."""
        del pl_module
        self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the last step's loss before the epoch's checkpoint is written, also without a validation."""
        del pl_module
        self._check(trainer)
        self.last = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the validation loss and the monitored metric; decoding a map of NaN can still yield a point.

        Raises:
            TrainingError: one of them is not finite.
        """
        del pl_module
        for name in ("val/loss", self.monitor.metric):
            value = float(trainer.callback_metrics.get(name, math.nan))
            if not math.isfinite(value):
                raise self._error(trainer, f"{name} is {value}")

    def _check(self, trainer: Trainer) -> None:
        if self.last is None:
            return
        step, loss = self.last
        if not bool(loss.isfinite()):
            raise self._error(trainer, f"the loss is {float(loss)} in step {step + 1}")

    def _error(self, trainer: Trainer, what: str) -> TrainingError:
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        name = self.stage
        instead = f"Set {name}.loop.find to null and lower" if self.searched else "Lower"
        return TrainingError(
            f"{name}: {what}, in epoch {trainer.current_epoch + 1} at a learning rate of {rate:.2g}. {instead} "
            f"{name}.optim.learning_rate or {name}.optim.clip_norm, lengthen {name}.optim.warmup_epochs, or set "
            f"{name}.optim.precision to float32. Changed parameters also require {name}.loop.force=true."
        )

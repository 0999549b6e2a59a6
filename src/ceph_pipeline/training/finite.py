"""Stops training when the loss or a validation metric is NaN or infinite, and names the setting to change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Callback

from ceph_pipeline.training.errors import TrainingError

if TYPE_CHECKING:
    from lightning import LightningModule, Trainer
    from torch import Tensor

    from ceph_pipeline.training.goal import Goal


class FiniteNumbers(Callback):
    """Raises on a loss or a validation metric that is NaN or infinite.

    The loss is checked one step late: the device has the next step to compute on while the value is fetched.

    Args:
        stage: For the message.
        goal: The validation metric that selects the best epoch.
        searched: Whether the learning rate was searched for; a configured one would then be ignored.
    """

    def __init__(self, stage: str, goal: Goal, *, searched: bool) -> None:
        self.stage, self.goal, self.searched = stage, goal, searched
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
        """Check the last step's loss where no validation ran, before the epoch's checkpoint is written."""
        del pl_module
        self._check(trainer)
        self.last = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the validation loss, since decoding a map of NaN may still give a point, and the metric that selects.

        Raises:
            TrainingError: one is not finite.
        """
        del pl_module
        for name in ("val/loss", self.goal.metric):
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
            f"{name}.optim.learning_rate or {name}.optim.clip_norm, lengthen {name}.optim.warmup_epochs, or compute in "
            f"{name}.optim.precision = float32; with {name}.loop.force=true, since other parameters are another training."
        )

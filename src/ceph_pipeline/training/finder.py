"""The learning-rate range test, which selects the learning rate before the first epoch."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ceph_pipeline.artifacts import write_atomically
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.callbacks import StepSeed
from ceph_pipeline.training.precision import lightning_precision

if TYPE_CHECKING:
    from pathlib import Path

    from lightning import LightningModule
    from lightning.pytorch.loggers import MLFlowLogger
    from numpy.typing import NDArray
    from torch.optim import Optimizer

    from ceph_pipeline.training.data_module import LandmarkData
    from ceph_pipeline.training.module import LandmarkModule

logger = logging.getLogger(__name__)

RATES, STEPS = (1e-6, 1.0), 100
"""Range of learning rates of the test, and its number of optimiser steps."""

MEMORY, RUNAWAY = 0.9, 4.0
"""Weight of previous losses in the running mean; multiple of the lowest loss at which the test ends."""

SKIPPED, WINDOW = 10, 21
"""Number of first steps to ignore, whose running mean contains few batches; maximum number of steps of a slope."""


class Found(BaseModel):
    """Content of the file that stores the selected learning rate."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    learning_rate: float = Field(gt=0)


def find_learning_rate(module: LandmarkModule, data: LandmarkData, record: Path, run_logger: MLFlowLogger | None) -> float:
    """The learning rate of the steepest loss descent while the rate increases exponentially; restores the weights of `module`.

    Args:
        module: The module to train.
        data: The data; only the training split is read.
        record: File of the selected learning rate, which a resumed training reads.
        run_logger: Receives the learning rate; None for no logger.

    Raises:
        TrainingError: the loss decreases at no learning rate, or the record is damaged.
    """
    stage = module.trained.stage
    if record.is_file():
        found = _known(record, stage)
    else:
        ramp = _ramp(module, data)
        steepest = steepest_rate(np.array(ramp.rates), np.array(ramp.losses))
        if steepest is None:
            raise TrainingError(
                f"{stage}: the loss decreases at no learning rate from {RATES[0]:g} to {RATES[1]:g}. Check the labels, or set "
                f"{stage}.loop.find to null and {stage}.optim.learning_rate to a value."
            )
        found = Found(learning_rate=steepest)
        write_atomically(record, found.model_dump_json())
        if run_logger is not None:
            run_logger.log_metrics({"found/learning_rate": steepest})
    logger.info("%s: learning-rate finder selected %.2g", stage, found.learning_rate)
    return found.learning_rate


def steepest_rate(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float | None:
    """The learning rate of the steepest loss descent over the rate's logarithm, before the minimum; None without a descent.

    The slope is that of a regression line over a window of steps, which reduces the noise of batches. Lightning's suggestion
    uses the slope over the rate itself, which is steepest at the smallest rates.

    Source: Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017.
    """
    usable = np.isfinite(losses)
    rates, losses = rates[usable][SKIPPED:], losses[usable][SKIPPED:]
    falling = int(losses.argmin()) + 1 if len(losses) else 0
    if falling < 3:
        return None
    width = min(WINDOW, falling)
    steps, values = (sliding_window_view(each[:falling], width) for each in (np.log(rates), losses))
    steps = steps - steps.mean(axis=1, keepdims=True)
    slopes = (steps * values).sum(axis=1) / (steps**2).sum(axis=1)
    steepest = int(slopes.argmin())
    return float(rates[steepest + width // 2]) if slopes[steepest] < 0 else None


class RateRamp(Callback):
    """Increases the learning rate exponentially in each step, records the loss, and stops when the loss diverges.

    Lightning's tuner starts its running mean at half the loss, so that every loss appears to increase at first.
    """

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.mean = 0.0

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Set the step's learning rate, independent of the schedule: for the heads directly, for other groups in proportion."""
        del pl_module
        rate = float(RATES[0] * (RATES[1] / RATES[0]) ** (trainer.global_step / (STEPS - 1)))
        first = optimizer.param_groups[0]["initial_lr"]  # with one_cycle, a fraction of the configured learning rate
        for group in optimizer.param_groups:
            group["lr"] = rate * group["initial_lr"] / first
        self.rates.append(rate)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record the running mean of the loss, once per optimiser step."""
        del pl_module, batch, batch_idx
        if len(self.rates) == len(self.losses):
            return
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        self.mean = MEMORY * self.mean + (1 - MEMORY) * loss
        self.losses.append(self.mean / (1 - MEMORY ** (len(self.losses) + 1)))
        trainer.should_stop = not np.isfinite(loss) or self.losses[-1] > RUNAWAY * min(self.losses)


def _known(record: Path, stage: str) -> Found:
    """The learning rate that an earlier start of the same training selected."""
    try:
        return Found.model_validate_json(record.read_bytes())
    except ValidationError as error:
        reason = error.errors()[0]
        place = ".".join(map(str, reason["loc"])) or "the file"
        raise TrainingError(
            f"{record}: damaged: {place}: {reason['msg']}; expected the result of {stage}.loop.find, such as "
            '{"learning_rate": 0.001}. Delete the file to search again.'
        ) from None


def _ramp(module: LandmarkModule, data: LandmarkData) -> RateRamp:
    """Train with an increasing learning rate and the coordinate term at full weight.

    A coordinate term whose weight grows from epoch to epoch would increase the loss.
    """
    before = {name: value.clone() for name, value in module.net.state_dict().items()}
    ramp, optim, ramped, plan = RateRamp(), module.optim, module.loss_params, data.plan
    data.first_epoch = 0
    module.loss_params = ramped.model_copy(update={"wing_ramp_epochs": 0.0})
    trainer = Trainer(
        max_epochs=max(optim.epochs, math.ceil(STEPS * plan.accumulate / plan.batches)),
        max_steps=STEPS,
        devices=1,
        precision=lightning_precision(optim.precision),
        accumulate_grad_batches=plan.accumulate,
        limit_train_batches=plan.batches,
        limit_val_batches=0,
        gradient_clip_val=optim.clip_norm,
        callbacks=[StepSeed(data.loop.seed), ramp],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    try:
        trainer.fit(module, datamodule=data)
    finally:
        module.net.load_state_dict(before)
        module.loss_params = ramped
    return ramp

"""Searches before the first epoch: the learning rate at which the loss falls fastest, the largest batch that fits the memory."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.memory import garbage_collection_cuda
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ceph_pipeline.artifacts import write_atomically
from ceph_pipeline.training.errors import TrainingError
from ceph_pipeline.training.memory import BatchPlan, is_out_of_memory, with_items
from ceph_pipeline.training.precision import lightning_precision

if TYPE_CHECKING:
    from pathlib import Path

    from lightning import LightningModule
    from lightning.pytorch.loggers import MLFlowLogger
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch.optim import Optimizer
    from torch.utils.data import DataLoader

    from ceph_pipeline.training.batch import Batch
    from ceph_pipeline.training.module import LandmarkModule

logger = logging.getLogger(__name__)

RATES = (1e-6, 1.0)
"""Range of the learning-rate test."""

STEPS = 100
"""Optimiser steps of the learning-rate test."""

MEMORY = 0.9
"""Share of the past in the running mean of the loss."""

RUNAWAY = 4.0
"""Multiple of the lowest loss at which the test ends."""

TRIAL_STEPS = 2
"""Optimiser steps that a batch must survive: AdamW allocates its moments in the first."""


class Found(BaseModel):
    """What a search has found; of a training that searches it is one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    learning_rate: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1, description="items of the data set a batch")


class Finder:
    """Finds what the parameters leave open, and keeps it beside the training, so that a resumed one trains with the same.

    Args:
        module: What will learn; its weights are what they were after each search.
        record: File for what was found.
        run_logger: Where the findings go; None: nowhere.
    """

    def __init__(self, module: LandmarkModule, record: Path, run_logger: MLFlowLogger | None) -> None:
        self.module, self.record, self.run_logger = module, record, run_logger
        self.stage = module.trained.stage

    def learning_rate(self, train: DataLoader[Batch], plan: BatchPlan) -> float:
        """The rate of steepest descent in a test that raises it exponentially.

        Raises:
            TrainingError: the loss falls at no rate, or the record of the search is damaged.
        """
        known = self._known().learning_rate
        if known is None:
            test = rate_test(self.module, train, plan)
            known = test.steepest()
            if known is None:
                raise TrainingError(
                    f"{self.stage}: the loss falls at no learning rate from {RATES[0]:g} to {RATES[1]:g}. Look at the labels, or "
                    f"set {self.stage}.loop.find to null and {self.stage}.optim.learning_rate yourself."
                )
            self._keep("learning_rate", known)
            if self.run_logger is not None:
                self.run_logger.experiment.log_figure(self.run_logger.run_id, test.figure(known), "finder/learning_rate.png")
        logger.info("%s: the loss falls fastest at a learning rate of %.2g; it trains with that", self.stage, known)
        return known

    def batch_plan(self, train: DataLoader[Batch], plan: BatchPlan) -> BatchPlan:
        """The largest batch that fits the memory, of those that keep the effective batch.

        Raises:
            TrainingError: none fits, or the record of the search is damaged.
        """
        known = self._known().batch_size
        candidates = plan.alternatives() if known is None else [plan.with_items(known)]
        for trial in candidates:
            if known is not None or fits(self.module, train, trial):
                self._keep("batch_size", trial.items)
                logger.info("%s: batches of %d fit the memory, %d accumulated", self.stage, trial.items, trial.accumulate)
                return trial
        raise TrainingError(f"{self.stage}: not even a batch of one item fits the device's memory.")

    def _known(self) -> Found:
        """What an earlier start of the same training has found.

        Raises:
            TrainingError: its record is damaged.
        """
        if not self.record.is_file():
            return Found()
        try:
            return Found.model_validate_json(self.record.read_bytes())
        except ValidationError as error:
            reason = error.errors()[0]
            place = ".".join(map(str, reason["loc"])) or "the file"
            raise TrainingError(
                f"{self.record}: damaged: {place}: {reason['msg']}; expected what {self.stage}.loop.find has found, such as "
                '{"learning_rate": 0.001}. Delete the file: the search is then done again.'
            ) from None

    def _keep(self, name: str, value: float) -> None:
        write_atomically(self.record, json.dumps({name: value}))
        if self.run_logger is not None:
            self.run_logger.log_metrics({f"found/{name}": value})


class RateTest(NamedTuple):
    """A learning-rate range test (Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017).

    Attributes:
        rates: `(S,)`, rising.
        losses: `(S,)`, running means.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    def steepest(self) -> float | None:
        """The rate at which the loss falls fastest over the rate's logarithm, before its minimum; None where it never falls.

        (Lightning's own suggestion takes the slope over the rate itself, which is steepest where rates are smallest.)
        """
        usable = np.isfinite(self.losses)
        rates, losses = self.rates[usable], self.losses[usable]
        lowest = int(losses.argmin()) if len(losses) else 0
        if lowest < 2:
            return None
        slopes = np.gradient(losses[: lowest + 1], np.log(rates[: lowest + 1]))
        return float(rates[int(slopes.argmin())])

    def figure(self, found: float) -> Figure:
        """Loss over rate, with what was found."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.losses)
        axes.axvline(found, color="tab:red", label=f"{found:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, running mean")
        axes.legend()
        return figure


class RateRamp(Callback):
    """Raises the rate exponentially from step to step, records the loss, and stops where it has run away.

    Lightning's tuner does the same with a running mean that starts at half the loss, so that every loss seems to rise at first.
    """

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.mean = 0.0

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Set the step's rate, whatever the schedule says; the first group, of the heads, has it, the others their proportion."""
        del pl_module
        rate = float(RATES[0] * (RATES[1] / RATES[0]) ** (trainer.global_step / (STEPS - 1)))
        first = optimizer.param_groups[0]["initial_lr"]  # of one_cycle a fraction of the configured rate
        for group in optimizer.param_groups:
            group["lr"] = rate * group["initial_lr"] / first
        self.rates.append(rate)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record the running mean of the loss, once a step of the optimiser."""
        del pl_module, batch, batch_idx
        if len(self.rates) == len(self.losses):
            return
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        self.mean = MEMORY * self.mean + (1 - MEMORY) * loss
        self.losses.append(self.mean / (1 - MEMORY ** (len(self.losses) + 1)))
        trainer.should_stop = not np.isfinite(loss) or self.losses[-1] > RUNAWAY * min(self.losses)


def rate_test(module: LandmarkModule, train: DataLoader[Batch], plan: BatchPlan) -> RateTest:
    """Train with a rising rate; the weights are given back."""
    ramp = RateRamp()
    _try_out(module, train, plan, STEPS, ramp)
    return RateTest(np.array(ramp.rates), np.array(ramp.losses))


def fits(module: LandmarkModule, train: DataLoader[Batch], plan: BatchPlan) -> bool:
    """Whether the memory takes a few steps with a plan's batches; the weights are given back."""
    try:
        _try_out(module, train, plan, TRIAL_STEPS)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        garbage_collection_cuda()
    return True


def _try_out(module: LandmarkModule, train: DataLoader[Batch], plan: BatchPlan, steps: int, *callbacks: Callback) -> None:
    """Train for so many optimiser steps, and give the weights back.

    The coordinate term has its full weight throughout: a loss whose weights grow from epoch to epoch would rise by itself, and
    most of the training has that weight.
    """
    before = {name: value.clone() for name, value in module.net.state_dict().items()}
    optim, ramped = module.optim, module.loss_params
    module.loss_params = ramped.model_copy(update={"wing_ramp_epochs": 0.0})
    trainer = Trainer(
        max_epochs=max(optim.epochs, math.ceil(steps * plan.accumulate / plan.batches)),
        max_steps=steps,
        devices=1,
        precision=lightning_precision(optim.precision),
        accumulate_grad_batches=plan.accumulate,
        limit_train_batches=plan.batches,
        limit_val_batches=0,
        gradient_clip_val=optim.clip_norm,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    try:
        trainer.fit(module, with_items(train, plan.items))
    finally:
        module.net.load_state_dict(before)
        module.loss_params = ramped

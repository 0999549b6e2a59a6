"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig

    from ceph_pipeline.training.params import OptimParams


def configure(net: nn.Module, params: OptimParams, total_steps: int) -> OptimizerLRSchedulerConfig:
    """AdamW and its learning-rate schedule, which is updated after every optimiser step.

    Args:
        net: The network to train; its `backbone` has its own learning rate.
        params: Learning rates, weight decay and schedule.
        total_steps: Optimiser steps of the whole training.
    """
    optimizer = torch.optim.AdamW(parameter_groups(net, params), lr=params.learning_rate)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule(optimizer, params, total_steps), "interval": "step"}}


def parameter_groups(net: nn.Module, params: OptimParams) -> list[dict[str, Any]]:
    """Parameter groups: the heads, then the backbone with its own learning rate, each with and without weight decay.

    Weight decay is not applied to weights with one dimension, which are biases and normalisation weights. It is applied to
    stage 2's embeddings of landmarks, including the bias per landmark, because they have two dimensions.

    Frozen weights are included: a step does not change parameters without a gradient, and their state is kept.
    """
    backbone = {id(weight) for weight in backbone_of(net).parameters()}
    groups = []
    for factor, of_backbone in ((1.0, False), (params.backbone_rate_factor, True)):
        weights = [weight for weight in net.parameters() if (id(weight) in backbone) is of_backbone]
        for decay, matrices in ((params.weight_decay, True), (0.0, False)):
            chosen = [weight for weight in weights if (weight.ndim > 1) is matrices]
            groups.append({"params": chosen, "weight_decay": decay, "lr": params.learning_rate * factor})
    return groups


def backbone_of(net: nn.Module) -> nn.Module:
    """The part of a landmark or refinement network that extracts features."""
    backbone = net.backbone
    if not isinstance(backbone, nn.Module):
        raise TypeError(f"the backbone of {type(net).__name__} is a {type(backbone).__name__}, expected a module.")
    return backbone


def schedule(optimizer: torch.optim.Optimizer, params: OptimParams, total_steps: int) -> LRScheduler:
    """The configured learning-rate schedule, relative to each group's learning rate.

    - `one_cycle` increases over 30 % of the steps, then decreases to nearly 0.
    - `cosine` increases linearly over the warm-up, then decreases along a cosine to `cosine_floor`.
    - `plateau` increases linearly over the warm-up, then is constant until `PlateauFactor` observes no improvement.
    """
    if params.schedule == "one_cycle":
        return OneCycleLR(optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=total_steps + 1)
    warmup = min(params.warmup_epochs / params.epochs, 1.0) * total_steps
    if params.schedule == "plateau":
        factor = PlateauFactor(warmup, params.plateau_patience, params.plateau_factor)
        return LambdaLR(optimizer, [factor] * len(optimizer.param_groups))
    floor = params.cosine_floor

    def cosine(step: int) -> float:
        if step < warmup:
            return _warm_up(step, warmup)
        progress = (step - warmup) / max(1.0, total_steps - warmup)
        return floor + (1 - floor) * (1 + math.cos(math.pi * min(1.0, progress))) / 2

    return LambdaLR(optimizer, cosine)


class PlateauFactor:
    """Reduces the learning rate when the validation error stops improving.

    The state is part of the schedule's state, because `LambdaLR` stores callable objects. Torch's `ReduceLROnPlateau` cannot
    be combined with a warm-up. Lightning also updates it only after the epoch's checkpoint is written, so that a resumed
    training would lose the update.

    Args:
        warmup_steps: Steps over which the learning rate increases.
        patience: Validations without improvement before the learning rate is reduced.
        factor: Factor by which the learning rate is multiplied.
    """

    def __init__(self, warmup_steps: float, patience: int, factor: float) -> None:
        self.warmup_steps, self.patience, self.factor = warmup_steps, patience, factor
        self.reached = 1.0
        self.best = math.inf
        self.waited = 0

    def __call__(self, step: int) -> float:
        """The share of the full learning rate at an optimiser step."""
        return _warm_up(step, self.warmup_steps) * self.reached

    def observe(self, error: float) -> bool:
        """Record a validation error; returns whether the learning rate is reduced from the next step on."""
        if error < self.best:
            self.best, self.waited = error, 0
            return False
        self.waited += 1
        if self.waited < self.patience:
            return False
        self.reached, self.waited = self.reached * self.factor, 0
        return True


def _warm_up(step: int, warmup: float) -> float:
    return min(1.0, (step + 1) / (warmup + 1))

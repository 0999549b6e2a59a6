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
    """AdamW over a net's weights, stepped by its schedule after every batch.

    Args:
        net: What learns; its `backbone` has a rate of its own.
        params: Rates, decay, schedule.
        total_steps: Optimiser steps of the whole training.
    """
    optimizer = torch.optim.AdamW(parameter_groups(net, params), lr=params.learning_rate)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule(optimizer, params, total_steps), "interval": "step"}}


def parameter_groups(net: nn.Module, params: OptimParams) -> list[dict[str, Any]]:
    """The heads' weights, then the backbone's at its own rate; in each, what has one dimension does not decay.

    Those are biases of layers and normalisation weights. Stage 2's embeddings of landmarks, its bias of each among them, have two
    dimensions and decay.

    Frozen weights are included: a step leaves parameters without a gradient unchanged, and their state is kept for later.
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
    """The schedule that the parameters name; each group follows it from its own rate.

    `one_cycle` rises over 30 % of the steps and falls to nothing; `cosine` and `plateau` rise linearly over the warm-up, then
    fall along a cosine to its floor, or stay until `PlateauFactor` is told that the validation error does not.
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
    """Lowers the rate when validations stop improving; its state travels in the schedule's, since `LambdaLR` keeps objects.

    Torch's `ReduceLROnPlateau` cannot follow a warm-up, and Lightning steps it only after the epoch's checkpoint is written,
    which a resumed training would miss.

    Args:
        warmup_steps: Steps over which the rate rises.
        patience: Validations without improvement before the rate drops.
        factor: What the rate is multiplied by then.
    """

    def __init__(self, warmup_steps: float, patience: int, factor: float) -> None:
        self.warmup_steps, self.patience, self.factor = warmup_steps, patience, factor
        self.reached = 1.0
        self.best = math.inf
        self.waited = 0

    def __call__(self, step: int) -> float:
        """The share of the full rate at an optimiser step."""
        return _warm_up(step, self.warmup_steps) * self.reached

    def observe(self, error: float) -> bool:
        """Take note of a validation error; whether the rate falls for it, from the next step on."""
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

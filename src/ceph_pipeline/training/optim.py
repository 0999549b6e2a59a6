"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig

    from ceph_pipeline.training.params import OptimParams


def configure(net: nn.Module, params: OptimParams, total_steps: int) -> OptimizerLRSchedulerConfig:
    """AdamW over a net's weights, stepped by its schedule after every batch.

    Biases and normalisation weights do not decay.

    Args:
        net: What learns.
        params: Rate, decay, schedule.
        total_steps: Optimiser steps of the whole training.
    """
    decayed = [p for p in net.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in net.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": params.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=params.learning_rate)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule(optimizer, params, total_steps), "interval": "step"}}


def schedule(optimizer: torch.optim.Optimizer, params: OptimParams, total_steps: int) -> LRScheduler:
    """One cycle (up over 30 % of the steps, down to nothing), or a linear warm-up and a cosine to 1 % of the rate."""
    if params.schedule == "one_cycle":
        return OneCycleLR(optimizer, params.learning_rate, total_steps=total_steps + 1)
    warmup = min(params.warmup_epochs / params.epochs, 1.0) * total_steps

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        progress = (step - warmup) / max(1.0, total_steps - warmup)
        return 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, progress))) / 2

    return LambdaLR(optimizer, factor)

"""Strategy and callback that synchronise the ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from lightning import LightningModule, Trainer

    from ceph_pipeline.training.distributed.rank import Rank


def strategy(rank: Rank, *, some_frozen: bool) -> DDPStrategy | Literal["auto"]:
    """Lightning's strategy, which averages gradients over the ranks in each step, with NCCL on GPUs and gloo on CPUs.

    By default, DDP copies rank 0's buffers before every forward pass, also in validation. There, ranks with more batches than
    others would wait forever. `SharedBuffers` replaces this copy.

    Args:
        rank: The rank of this process.
        some_frozen: Whether some weights are frozen in some epochs; DDP then searches for unused parameters in each step.
    """
    if rank.world == 1:
        return "auto"
    return DDPStrategy(find_unused_parameters=some_frozen, broadcast_buffers=False, gradient_as_bucket_view=True)


def shared_buffers(rank: Rank) -> list[Callback]:
    """The callback that keeps the buffers of several ranks equal; empty for a single rank."""
    return [SharedBuffers(rank.world)] if rank.world > 1 else []


class SharedBuffers(Callback):
    """Averages BatchNorm's running statistics over the ranks after each batch.

    Every rank then validates the network that rank 0 saves, and a resumed training starts with the same statistics on all
    ranks. This callback precedes the moving average of weights, so that the average is the same on every rank.
    """

    def __init__(self, world: int) -> None:
        self.world = world

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Average the running statistics over the ranks."""
        del trainer, outputs, batch, batch_idx
        norms = (module for module in pl_module.modules() if isinstance(module, _BatchNorm))
        buffers = [buffer for norm in norms for buffer in norm.buffers() if buffer.is_floating_point()]
        if not buffers:
            return
        flat = torch.cat([buffer.flatten() for buffer in buffers])
        distributed.all_reduce(flat)
        parts = torch.split(flat / self.world, [buffer.numel() for buffer in buffers])
        for buffer, mean in zip(buffers, parts, strict=True):
            buffer.copy_(mean.view_as(buffer))

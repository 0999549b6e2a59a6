"""Splits batches that do not fit the device's memory, and accumulates more batches per step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightning.pytorch.utilities.memory import is_oom_error


@dataclass(frozen=True)
class BatchPlan:
    """Division of an epoch's samples into batches; the effective batch size is `items · accumulate`.

    Attributes:
        items: Dataset items per batch: whole images, or source images with their crops.
        accumulate: Batches per optimiser step.
        batches: Batches per epoch.
    """

    items: int
    accumulate: int
    batches: int

    def split(self) -> BatchPlan:
        """Half the batch size and twice the accumulation; an odd batch size is divided by its smallest divisor.

        Optimiser steps, their samples and their order do not change.
        """
        parts = next(divisor for divisor in range(2, self.items + 1) if self.items % divisor == 0)
        return BatchPlan(self.items // parts, self.accumulate * parts, self.batches * parts)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error reports that the memory of a device or of the CPU is exhausted."""
    return isinstance(error, torch.OutOfMemoryError) or is_oom_error(error)

"""When the device's memory does not take a batch: smaller batches, more of them accumulated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lightning.pytorch.utilities.memory import is_oom_error


@dataclass(frozen=True)
class BatchPlan:
    """How the samples of an epoch are divided into batches; the effective batch is `items · accumulate`.

    Attributes:
        items: Items of the data set a batch: whole images, or sources with their crops.
        accumulate: Batches a step of the optimiser.
        batches: Batches an epoch.
    """

    items: int
    accumulate: int
    batches: int

    def split(self) -> BatchPlan:
        """Half the batch and twice the accumulation; an odd batch is divided by its smallest divisor.

        Steps, their samples and their order stay as they were.
        """
        parts = next(divisor for divisor in range(2, self.items + 1) if self.items % divisor == 0)
        return BatchPlan(self.items // parts, self.accumulate * parts, self.batches * parts)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's, or the CPU's, memory is exhausted."""
    return isinstance(error, torch.OutOfMemoryError) or is_oom_error(error)

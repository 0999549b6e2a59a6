"""Which of the processes that train together this one is, and which process it ends with."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ceph_pipeline.artifacts import workers


@dataclass(frozen=True)
class Rank:
    """A process's place among those that train together.

    Attributes:
        index: 0 … world − 1; rank 0 logs and writes what the others only compute.
        world: Number of processes on all machines.
    """

    index: int = 0
    world: int = 1

    @classmethod
    def from_environment(cls) -> Rank:
        """The place that torchrun gave this process.

        Raises:
            KeyError: torchrun did not start it.
        """
        return cls(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


ALONE = Rank()
"""The only process of a training on one device."""

OWNER = "CEPH_PIPELINE_OWNER"
"""Environment variable that names the process to end with."""


def end_with_owner() -> None:
    """Watch the process that started this one; ranks sit in sessions of their own and would outlive it."""
    workers.end_with_owner(int(os.environ[OWNER]))

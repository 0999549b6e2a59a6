"""The rank of this process in a distributed training, and the process with which it ends."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ceph_pipeline.artifacts import workers


@dataclass(frozen=True)
class Rank:
    """The rank of a process in a distributed training.

    Attributes:
        index: 0 … world − 1; only rank 0 writes logs and files.
        world: Number of processes on all machines.
    """

    index: int = 0
    world: int = 1

    @classmethod
    def from_environment(cls) -> Rank:
        """The rank that torchrun assigned to this process.

        Raises:
            KeyError: torchrun did not start this process.
        """
        return cls(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


ALONE = Rank()
"""The only process of a training on one device."""

OWNER = "CEPH_PIPELINE_OWNER"
"""Environment variable with the number of the owner, with which this process ends."""


def end_with_owner() -> None:
    """End this process when its owner ends; ranks run in their own sessions and would otherwise continue."""
    workers.end_with_owner(int(os.environ[OWNER]))

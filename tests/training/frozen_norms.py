"""The worker of a rank, with BatchNorm that keeps to its running statistics.

BatchNorm sees the batch of its rank only. Frozen, it leaves nothing in a training that depends on how many ranks share a batch.
"""

import sys
from pathlib import Path

from torch import nn


def keep_still(norm: nn.BatchNorm2d, mode: bool = True) -> nn.Module:
    """In place of `BatchNorm2d.train`."""
    return nn.Module.train(norm, mode=False)


if __name__ == "__main__":
    nn.BatchNorm2d.train = keep_still
    from ceph_pipeline.training import worker

    worker.main(Path(sys.argv[1]))

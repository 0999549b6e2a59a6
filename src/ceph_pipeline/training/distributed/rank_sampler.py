"""Divides one order of samples among the ranks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from torch.utils.data import Sampler

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.sampling import Draw, EpochSampler

if TYPE_CHECKING:
    from ceph_pipeline.training.distributed.rank import Rank


class RankSampler(Sampler[Draw]):
    """Every world-th draw of an order, starting at the rank's index.

    Batch i of all ranks together equals batch i of a single process with a `world` times larger batch. In training, all shares
    have equal length, because the ranks step together; the remaining draws are dropped, and differ between epochs. In
    validation, every draw belongs to exactly one share, and the lengths of shares differ by at most one.
    """

    def __init__(self, order: EpochSampler, rank: Rank) -> None:
        self.order, self.rank = order, rank

    @property
    def shuffle(self) -> bool:
        """Whether this is a training order."""
        return self.order.shuffle

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch, also after a resume."""
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        if self.shuffle:
            return len(self.order) // self.rank.world
        return len(range(self.rank.index, len(self.order), self.rank.world))

    def __iter__(self) -> Iterator[Draw]:
        return islice(islice(self.order, self.rank.index, None, self.rank.world), len(self))


def sampler_of(order: EpochSampler, rank: Rank) -> EpochSampler | RankSampler:
    """A sampler of a rank's share of an order; the order itself for a single rank.

    Raises:
        TrainingError: there are fewer draws than ranks.
    """
    if rank.world == 1:
        return order
    require_enough(len(order), rank.world, "training" if order.shuffle else "validation")
    return RankSampler(order, rank)


def require_enough(images: int, world: int, split: str) -> None:
    """Check that a split has at least one image per rank.

    Raises:
        TrainingError: there are fewer images than ranks.
    """
    if images < world:
        raise TrainingError(
            f"the {split} split has {images} images, fewer than the {world} processes: lower loop.devices or nodes."
        )

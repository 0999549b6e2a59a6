"""One order of samples, divided among the ranks."""

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
    """Every world-th draw of an order, from the rank's own on.

    Batch i of all ranks together is batch i of one process with batches as many times larger. For training all shares are
    equally long, since the ranks step together; what does not divide is left out, other images each epoch. For validation
    every draw is in exactly one share, and shares differ by one.
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
    """A sampler of a rank's share of an order; the order itself where there is one rank.

    Raises:
        TrainingError: there is not a draw for every rank.
    """
    if rank.world == 1:
        return order
    require_enough(len(order), rank.world, "training" if order.shuffle else "validation")
    return RankSampler(order, rank)


def require_enough(images: int, world: int, split: str) -> None:
    """Refuse more ranks than a split has images.

    Raises:
        TrainingError: some would have none.
    """
    if images < world:
        raise TrainingError(
            f"the {split} split holds {images} images, fewer than the {world} processes: lower loop.devices or nodes."
        )

"""The order of samples, a pure function of seed and epoch."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

Draw = tuple[int, int]
"""(epoch, item): what a dataset needs to know to make a sample; workers that live on learn the epoch from it."""


class EpochSampler(Sampler[Draw]):
    """Draws items in an order fixed by (seed, epoch).

    Args:
        n_items: Size of the set.
        draws: Draws an epoch; more than `n_items` starts another permutation.
        seed: Root of every order.
        shuffle: False keeps the set's order and epoch 0, for validation.
    """

    def __init__(self, n_items: int, draws: int, seed: int, *, shuffle: bool = True) -> None:
        self.n_items, self.draws, self.seed, self.shuffle = n_items, draws, seed, shuffle
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch, also after a resume."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.draws

    def __iter__(self) -> Iterator[Draw]:
        if not self.shuffle:
            yield from ((0, item % self.n_items) for item in range(self.draws))
            return
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.epoch]))
        rounds = -(-self.draws // self.n_items)
        order = np.concatenate([rng.permutation(self.n_items) for _ in range(rounds)])[: self.draws]
        yield from ((self.epoch, int(item)) for item in order)

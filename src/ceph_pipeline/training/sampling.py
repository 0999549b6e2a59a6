"""The order of samples, which depends on seed and epoch only."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Draw = tuple[int, int]
"""(turn, item): the index of a sample; persistent workers receive the turn with each sample.

The turn is the epoch. If an epoch draws an item more than once, each further draw has its own turn, and is therefore another
sample of the same item."""


class EpochSampler(Sampler[Draw]):
    """Draws items in an order determined by (seed, epoch).

    Args:
        n_items: Number of items.
        draws: Draws per epoch; after `n_items` draws, another permutation starts.
        seed: Seed of every order.
        shuffle: False keeps the items' order and epoch 0, for validation.
        weights: `(n_items,)`, relative frequency of each item; None for equal frequencies.
    """

    def __init__(
        self, n_items: int, draws: int, seed: int, *, shuffle: bool = True, weights: NDArray[np.float64] | None = None
    ) -> None:
        self.n_items, self.draws, self.seed, self.shuffle, self.weights = n_items, draws, seed, shuffle, weights
        self.turns_an_epoch = math.ceil(draws / n_items if weights is None else draws * float(weights.max() / weights.sum()))
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
        order = self._permutations(rng) if self.weights is None else weighted_draws(self.weights, self.draws, rng)
        drawn = Counter[int]()
        for item in order.tolist():
            yield self.epoch * self.turns_an_epoch + drawn[item], item
            drawn[item] += 1

    def _permutations(self, rng: np.random.Generator) -> NDArray[np.int64]:
        rounds = -(-self.draws // self.n_items)
        return np.concatenate([rng.permutation(self.n_items) for _ in range(rounds)])[: self.draws]


def weighted_draws(weights: NDArray[np.float64], draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Items in random order; each item's number of draws is its share of the weights, rounded up or down.

    Args:
        weights: `(N,)`, positive.
        draws: Number of items to draw.
        rng: Selects which shares are rounded up, and the order.
    """
    items = rng.permutation(len(weights))
    ends = np.cumsum(weights[items])
    marks = (np.arange(draws) + rng.uniform()) * (ends[-1] / draws)
    drawn = items[np.minimum(np.searchsorted(ends, marks, side="right"), len(items) - 1)]
    return np.asarray(rng.permutation(drawn), np.int64)


def device_weights(machines: Sequence[str], balance: float) -> NDArray[np.float64] | None:
    """Sampling weights that increase the frequency of images of rare devices.

    Args:
        machines: Device of each image.
        balance: 0: uniform over images; 1: uniform over devices. In general, a device's frequency is proportional to its number
            of images to the power 1 − `balance`.

    Returns:
        `(N,)` with mean 1, or None if all weights are equal.
    """
    devices, device_of, images = np.unique(np.asarray(machines, dtype=str), return_inverse=True, return_counts=True)
    if balance == 0 or len(devices) == 1:
        return None
    weights = np.asarray(images[device_of] ** -balance, np.float64)
    return np.asarray(weights / weights.mean())

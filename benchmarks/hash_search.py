"""Time of the search for similar hashes as a function of their number, and the share of planted near-duplicates found."""

from __future__ import annotations

import time
from statistics import median
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.hash_search import near_pairs
from ceph_pipeline.audit.perceptual_hash import Hashes

COPY_SHARE = 0.05
COPY_DISTANCES = (16, 32, 48)
"""Numbers of bits by which a near-duplicate differs from its original."""


class Planted(NamedTuple):
    """Random hashes, and the near-duplicates among them.

    Attributes:
        hashes: `(N, 4)`.
        first: `(M,)` rows of the originals.
        second: `(M,)` rows of the near-duplicates.
        distance: `(M,)` numbers of bits by which a near-duplicate differs.
    """

    hashes: Hashes
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.int64]


def plant(n: int) -> Planted:
    """Random hashes, of which 5 % are near-duplicates of others."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (n, 4), dtype=np.uint64)
    n_copies = round(n * COPY_SHARE)
    first = rng.choice(n // 2, n_copies, replace=False)
    second = n // 2 + rng.choice(n - n // 2, n_copies, replace=False)
    distance = rng.choice(COPY_DISTANCES, n_copies)
    flipped = rng.random((n_copies, 256)).argsort(axis=1) < distance[:, None]
    hashes[second] = hashes[first] ^ np.packbits(flipped, axis=1).view(np.uint64)
    return Planted(hashes, first, second, distance)


def processor_seconds(hashes: Hashes) -> float:
    """Processor time of one search in seconds."""
    start = time.process_time()
    near_pairs(hashes, max(COPY_DISTANCES))
    return time.process_time() - start


@click.command()
@click.option("--hashes", "counts", default="1000,10000,100000", show_default=True, help="Numbers of hashes, comma-separated.")
@click.option("--rounds", default=5, show_default=True, help="Number of searches per set of hashes; the median is reported.")
def main(counts: str, rounds: int) -> None:
    """Print the processor time in seconds, its growth since the previous row relative to n log n, and near-duplicates found."""
    sets = [plant(int(count)) for count in counts.split(",")]
    seconds = np.array([[processor_seconds(planted.hashes) for planted in sets] for _ in range(rounds)])
    before = None
    for planted, taken in zip(sets, seconds.T, strict=True):
        n, this = len(planted.hashes), median(taken)
        pairs = near_pairs(planted.hashes, max(COPY_DISTANCES))
        found = np.isin(planted.first * n + planted.second, pairs.first * n + pairs.second)
        recall = ", ".join(f"{found[planted.distance == bits].mean():.1%} at {bits} bits" for bits in COPY_DISTANCES)
        growth = "" if before is None else f"; growth relative to n log n: {this / before[1] / (n * np.log(n) / before[0]):.2f}"
        click.echo(f"{n:,} hashes: {this:.3f} s{growth}; near-duplicates found: {recall}")
        before = (n * np.log(n), this)


if __name__ == "__main__":
    main()

"""Pairs of similar hashes: an exact search in usual data sets, an approximate search in time n log n in large ones.

In the approximate search, the hashes are sorted with their bits in random order, and every hash is compared with the next few.
This is repeated for many random orders (Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.perceptual_hash import WORDS, Hashes, mirrored_hashes

EXACT_UP_TO = 4_096
"""Largest number of hashes for the exact search; up to this number, sorting is not faster."""
BLOCK = 512
"""Number of rows compared with all others at a time: 512 × 4,096 distances are 17 MB."""
ORDERS = 96
"""Number of random orders of the bits."""
WINDOW = 8
"""Number of following hashes that each hash is compared with, per order."""
PART = 16_384
"""Number of sorted hashes compared at a time: 512 kB."""
_KEY_BITS = 64


class Candidates(NamedTuple):
    """Pairs of rows with similar hashes.

    Attributes:
        first: Rows `(M,)` of the first images.
        second: Rows `(M,)` of the second images, always greater than `first`.
        distance: Numbers `(M,)` of differing bits, 0–256.
        mirrored: Whether the second image was mirrored for this distance, `(M,)`.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    def only(self, which: NDArray[np.bool_]) -> "Candidates":
        """The selected pairs."""
        return Candidates(self.first[which], self.second[which], self.distance[which], self.mirrored[which])


def near_pairs(hashes: Hashes, max_distance: int) -> Candidates:
    """Pairs of rows at most `max_distance` bits apart, with or without mirroring one of them, sorted by rows.

    For up to `EXACT_UP_TO` rows, every pair is found. For more rows, docs/audit.md lists the probability of finding a pair.
    """
    if len(hashes) > EXACT_UP_TO:
        return _sorted_pairs(hashes, max_distance)
    blocks = [_near_block(hashes, start, max_distance) for start in range(0, len(hashes), BLOCK)]
    if not blocks:
        nothing = np.empty(0, np.int64)
        return Candidates(nothing, nothing, nothing, nothing.astype(bool))
    return Candidates(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


def _near_block(hashes: Hashes, start: int, max_distance: int) -> Candidates:
    rows, others = hashes[start : start + BLOCK], hashes[start + 1 :]
    as_is = _differing_bits(rows[:, None], others[None])
    mirrored = _differing_bits(rows[:, None], mirrored_hashes(others)[None])
    distance = np.minimum(as_is, mirrored)
    first, second = np.nonzero(distance <= max_distance)
    later = second >= first  # column c is row c + 1 of the block, so that each pair occurs once and no row is paired with itself
    first, second = first[later], second[later]
    return Candidates(first + start, second + start + 1, distance[first, second], mirrored[first, second] < as_is[first, second])


def _sorted_pairs(hashes: Hashes, max_distance: int) -> Candidates:
    """Similar pairs among neighbours in the sorted orders. Mirrored hashes are included: row n + r is row r mirrored."""
    n = len(hashes)
    both = np.concatenate([hashes, mirrored_hashes(hashes)])
    bits = np.ascontiguousarray(np.unpackbits(both.view(np.uint8), axis=1).T)
    rng = np.random.default_rng(0)
    codes = np.empty(0, np.int64)
    for _ in range(ORDERS):
        order = np.argsort(_keys(bits[rng.choice(len(bits), _KEY_BITS, replace=False)]), kind="stable")
        one, other = _near_neighbours(both.take(order, axis=0), max_distance)
        codes = np.union1d(codes, _pair_codes(order[one], order[other], n))
    first, second = np.divmod(codes, n)
    as_is = _differing_bits(hashes[first], hashes[second])
    mirrored = _differing_bits(hashes[first], mirrored_hashes(hashes[second]))
    return Candidates(first, second, np.minimum(as_is, mirrored), mirrored < as_is)


def _keys(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The bits `(64, N)` of each hash as one number `(N,)`."""
    first, *others = bits.reshape(8, _KEY_BITS // 8, -1)
    packed = first
    for bit in others:
        packed = (packed << np.uint8(1)) | bit
    return np.ascontiguousarray(packed.T).view(np.uint64).ravel()


def _near_neighbours(hashes: Hashes, max_distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions, in sorted hashes, of the pairs of similar hashes that are at most `WINDOW` apart.

    Hashes are compared in parts, word by word, so that the compared values fit into the processor's cache.
    """
    found: list[tuple[NDArray[np.int64], int]] = []
    for start in range(0, len(hashes), PART):
        words = np.ascontiguousarray(hashes[start : start + PART + WINDOW].T)
        for step in range(1, min(WINDOW, words.shape[1] - 1) + 1):
            distance = np.zeros(words.shape[1] - step, np.uint16)
            for word in words:
                distance += np.bitwise_count(word[step:] ^ word[:-step])
            found.append((np.flatnonzero(distance <= max_distance) + start, step))
    one = np.concatenate([places for places, _ in found])
    return one, np.concatenate([places + step for places, step in found])


def _pair_codes(one: NDArray[np.int64], other: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Each pair of different images as one number, first · n + second."""
    first, second = np.minimum(one % n, other % n), np.maximum(one % n, other % n)
    different = first != second
    return np.asarray(first[different] * n + second[different])


def _differing_bits(a: Hashes, b: Hashes) -> NDArray[np.int64]:
    """Differing bits of hashes `(..., 4)` that broadcast; computed per 64-bit word, which uses a quarter of the memory."""
    distance = np.zeros(np.broadcast_shapes(a.shape[:-1], b.shape[:-1]), np.int64)
    for word in range(WORDS):
        distance += np.bitwise_count(a[..., word] ^ b[..., word])
    return distance

"""Perceptual hashes: 256 bits that stay nearly the same when a cephalogram is exported once more.

The hash holds the signs of the lowest 16 × 16 DCT coefficients of the tone-flattened image (after Zauner, Implementation
and Benchmarking of Perceptual Image Hash Functions, 2010, who hashes the plain image). On cephalograms of one device, flattening
is what separates: frame, ruler and head shape are the same everywhere and would dominate the plain coefficients.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.tone import flatten_tone, shrunk
from ceph_pipeline.images.codec import GreyImage

SIDE_PX = 64
NEIGHBOURHOOD_PX = 6.0
FREQUENCIES = 16
WORDS = FREQUENCIES**2 // 64
BLOCK = 512
"""Rows compared with all others at a time: 512 × 10,000 words are 40 MB."""

Hashes = NDArray[np.uint64]
"""`(N, 4)`, 256 bits an image."""


class Candidates(NamedTuple):
    """Pairs of rows whose hashes are near.

    Attributes:
        first: `(M,)` row of the first image.
        second: `(M,)` row of the second, always greater.
        distance: `(M,)` differing bits, 0–256.
        mirrored: `(M,)` whether the second was mirrored to come that near.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.int64]
    mirrored: NDArray[np.bool_]


def perceptual_hash(image: GreyImage) -> Hashes:
    """The hash `(4,)` of an image `(h, w)`."""
    flat = flatten_tone(shrunk(image, (SIDE_PX, SIDE_PX)), NEIGHBOURHOOD_PX)
    positive = np.asarray(cv2.dct(flat)[:FREQUENCIES, :FREQUENCIES] > 0)
    positive[0, 0] = False  # the mean, which flattening has removed: its sign is chance
    return _packed(positive)


def near_pairs(hashes: Hashes, max_distance: int) -> Candidates:
    """All pairs of rows at most `max_distance` bits apart, as they are or with one mirrored, sorted by rows."""
    blocks = [_near_block(hashes, start, max_distance) for start in range(0, len(hashes), BLOCK)]
    if not blocks:
        nothing = np.empty(0, np.int64)
        return Candidates(nothing, nothing, nothing, nothing.astype(bool))
    return Candidates(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


def _near_block(hashes: Hashes, start: int, max_distance: int) -> Candidates:
    rows, others = hashes[start : start + BLOCK], hashes[start + 1 :]
    as_is = _differing_bits(rows, others)
    mirrored = _differing_bits(rows, others ^ _MIRROR)
    distance = np.minimum(as_is, mirrored)
    first, second = np.nonzero(distance <= max_distance)
    later = second >= first  # column c is row c + 1 of the block: each pair once, none with itself
    first, second = first[later], second[later]
    return Candidates(first + start, second + start + 1, distance[first, second], mirrored[first, second] < as_is[first, second])


def _differing_bits(a: Hashes, b: Hashes) -> NDArray[np.int64]:
    """`(len(a), len(b))`, one 64-bit word after the other: all at once would move four times the memory."""
    distance = np.zeros((len(a), len(b)), np.int64)
    for word in range(WORDS):
        distance += np.bitwise_count(a[:, word, None] ^ b[None, :, word])
    return distance


def _packed(bits: NDArray[np.bool_]) -> Hashes:
    return np.packbits(bits.ravel()).view(np.uint64)


# Mirroring an image turns the sign of its odd horizontal frequencies, so that its hash needs no second transform.
_MIRROR = _packed(np.tile(np.arange(FREQUENCIES) % 2 == 1, (FREQUENCIES, 1)))

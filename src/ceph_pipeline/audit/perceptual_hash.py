"""Perceptual hashes: 256 bits that hardly change if a cephalogram is exported again.

The hash holds the signs of the lowest 16 × 16 DCT coefficients of the tone-flattened image (after Zauner, Implementation
and Benchmarking of Perceptual Image Hash Functions, 2010, who hashes the plain image). Flattening is necessary to distinguish
cephalograms of one device: frame, ruler and skull shape are similar on all of them and would dominate the plain coefficients.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.tone import flatten_tone, shrunk
from ceph_pipeline.images.codec import GreyImage

SIDE_PX = 64
NEIGHBOURHOOD_PX = 6.0
FREQUENCIES = 16
WORDS = FREQUENCIES**2 // 64
Hashes = NDArray[np.uint64]
"""`(N, 4)`, 256 bits per image."""


def perceptual_hash(image: GreyImage) -> Hashes:
    """The hash `(4,)` of an image `(h, w)`."""
    flat = flatten_tone(shrunk(image, (SIDE_PX, SIDE_PX)), NEIGHBOURHOOD_PX)
    positive = np.asarray(cv2.dct(flat)[:FREQUENCIES, :FREQUENCIES] > 0)
    positive[0, 0] = False  # flattening has removed the mean, so its sign is random
    return _packed(positive)


def mirrored_hashes(hashes: Hashes) -> Hashes:
    """Hashes `(N, 4)` of the mirror images: mirroring only changes the sign of the odd horizontal frequencies."""
    return hashes ^ _MIRROR


def _packed(bits: NDArray[np.bool_]) -> Hashes:
    return np.packbits(bits.ravel()).view(np.uint64)


_MIRROR = _packed(np.tile(np.arange(FREQUENCIES) % 2 == 1, (FREQUENCIES, 1)))

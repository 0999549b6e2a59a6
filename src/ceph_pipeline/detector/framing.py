"""Maps a whole image to the network's input, identically in training and prediction."""

from typing import cast

import cv2

from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size, fitted_size

MAX_MINIFICATION = 1.5
"""Stored px per input px. Larger images are area-averaged first, as in the cache, to avoid aliasing of fine structure."""


RESIZES = ("letterbox", "stretch")
"""Resizing methods: `letterbox` keeps the aspect ratio and pads; `stretch` fills the input."""


def frame(source: Size, target: Size, resize: str) -> Affine:
    """The map from an image to the network's input: letterboxed, or stretched to fill it."""
    return Affine.letterbox(source, target) if resize == "letterbox" else Affine.resize(source, target)


def reduce(stored: GreyImage, original: Size, target: Size) -> GreyImage:
    """The stored image; a much larger image is area-averaged to about the size of the network's input."""
    reduced = fitted_size(original, max(target))
    if max(stored.shape) <= MAX_MINIFICATION * max(reduced):
        return stored
    return cast("GreyImage", cv2.resize(stored, reduced, interpolation=cv2.INTER_AREA))

"""How a whole image comes into the network's input, in training and prediction alike."""

from typing import cast

import cv2

from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size, fitted_size

MAX_MINIFICATION = 1.5
"""Stored px per input px: larger images are area-averaged first, as the cache was, so that fine structure does not alias."""


RESIZES = ("letterbox", "stretch")
"""Ways into the network's input: keep the aspect and pad, or fill the frame."""


def frame(source: Size, target: Size, resize: str) -> Affine:
    """The map from an image to the network's input: letterboxed, or stretched to fill it."""
    return Affine.letterbox(source, target) if resize == "letterbox" else Affine.resize(source, target)


def reduce(stored: GreyImage, original: Size, target: Size) -> GreyImage:
    """A stored image, area-averaged to about the size of the network's input where it is much larger."""
    reduced = fitted_size(original, max(target))
    if max(stored.shape) <= MAX_MINIFICATION * max(reduced):
        return stored
    return cast("GreyImage", cv2.resize(stored, reduced, interpolation=cv2.INTER_AREA))

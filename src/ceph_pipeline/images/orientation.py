"""The orientation tag of EXIF and TIFF: conversion of the stored image to the upright image."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
Pixel = TypeVar("Pixel", bound=np.generic)

ORIENTATIONS = {
    1: "upright",
    2: "mirrored",
    3: "turned by 180°",
    4: "mirrored and turned by 180°",
    5: "mirrored and turned by 90°",
    6: "turned by 90°",
    7: "mirrored and turned by 90° the other way",
    8: "turned by 90° the other way",
}
"""Meaning of the tag's values for the stored pixels. Source: TIFF 6.0, tag 274; Exif 3.0, section 4.6.5."""


def swaps_axes(orientation: int) -> bool:
    """Whether the orientation exchanges width and height."""
    return orientation >= 5


def upright(image: NDArray[Pixel], orientation: int) -> NDArray[Pixel]:
    """Convert stored pixels `(height, width, …)` to the upright image.

    Args:
        image: Pixels from the decoder.
        orientation: 1 to 8.
    """
    if swaps_axes(orientation):
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)

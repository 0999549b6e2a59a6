"""Conversion of decoded pixels to grey levels."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.images.errors import ImageReadError

GreyImage = NDArray[np.uint8] | NDArray[np.uint16]
"""`(height, width)`, 8 or 16 bits; bright pixels received little radiation (bone is bright)."""


def to_grey(pixels: NDArray[Any], name: str, *, white_is_zero: bool = False, bits: int | None = None) -> GreyImage:
    """Convert an image to one channel, in which 0 is black.

    Colours become their luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). An alpha channel is removed. The bit depth is kept.

    Args:
        pixels: `(height, width)`, or `(height, width, channels)` in the order grey, grey and alpha, RGB or RGBA.
        name: Name of the image in error messages.
        white_is_zero: 0 is white, so that levels are subtracted from the highest level.
        bits: Bit depth of the levels, if it is less than the type's; fewer than 8 bits are scaled to 8.

    Raises:
        ImageReadError: neither 8 nor 16 unsigned bits.
    """
    if pixels.dtype == np.bool_:
        pixels, bits = pixels.astype(np.uint8), 1
    if pixels.dtype == np.uint8 and bits is not None and bits < 8:
        pixels, bits = np.take(np.rint(np.linspace(0, 255, 2**bits)).astype(np.uint8), pixels, mode="clip"), 8
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3):
        raise ImageReadError(f"{name}: pixels are {pixels.dtype}, expected 8 or 16 unsigned bits. Convert the file to png.")
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., :3]) if pixels.shape[-1] >= 3 else pixels[..., 0]
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if white_is_zero:
        pixels = pixels.dtype.type(2 ** (bits or 8 * pixels.itemsize) - 1) - pixels
    return cast("GreyImage", np.ascontiguousarray(pixels))

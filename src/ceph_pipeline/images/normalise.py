"""The one grey-level normalisation that training and inference share."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.integer[Any] | np.floating[Any]]
"""Grey levels of any depth."""

MIN_SD = 1.0
"""Grey levels: a flatter image is divided by this instead of its own standard deviation, so that noise is not blown up."""


def raise_levels(levels: Levels, gamma: float) -> Levels:
    """Grey levels to the power `gamma`, scaled so that 0 and 255 stay: below 1 what is faint in the dark shows.

    Args:
        levels: Any shape, 0 or more.
        gamma: Above 0; 1 gives back the levels themselves.

    Returns:
        float32 where gamma is not 1.

    Example:
        >>> raise_levels(np.array([0, 64, 255]), 0.5).round().tolist()
        [0.0, 128.0, 255.0]
    """
    if gamma == 1:
        return levels
    raised: NDArray[np.float32] = np.float32(255) * (np.asarray(levels, np.float32) / np.float32(255)) ** np.float32(gamma)
    return raised


def normalise(image: Levels, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Shift and scale an image's grey levels to mean 0 and standard deviation 1.

    Films differ in exposure and bit depth from device to device; what a network sees should not. Normalise before any
    warp that pads, so that only the image's own pixels count and a border of 0 is its mean grey.

    Args:
        image: `(height, width)`, any integer or float type, in grey levels.
        out: Where to write; by default a new array.

    Returns:
        `(height, width)`; 0 everywhere for a constant image.
    """
    mean, sd = grey_moments(image)
    normalised: NDArray[np.float32] = np.subtract(image, np.float32(mean), out=out, dtype=np.float32)
    normalised *= np.float32(1 / sd)
    return normalised


def normalise_each(images: Levels) -> NDArray[np.float32]:
    """Normalise each of `(M, height, width)` images by its own mean and standard deviation."""
    normalised = np.empty(images.shape, np.float32)
    for image, out in zip(images, normalised, strict=True):
        normalise(image, out)
    return normalised


def grey_moments(image: Levels) -> tuple[float, float]:
    """Mean and standard deviation that an image is normalised by, in grey levels; the latter at least `MIN_SD`."""
    mean, sd = cv2.meanStdDev(image)
    return mean.item(), max(sd.item(), MIN_SD)

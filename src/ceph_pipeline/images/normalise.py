"""The grey-level normalisation of training and inference."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.integer[Any] | np.floating[Any]]
"""Grey levels of any depth."""

MIN_SD = 1.0
"""Least divisor in grey levels: flatter images are divided by this instead of their standard deviation, to limit noise."""


def raise_levels(levels: Levels, gamma: float) -> Levels:
    """Grey levels to the power `gamma`, with 0 and 255 kept; values below 1 brighten dark areas.

    Args:
        levels: Any shape, 0 or more.
        gamma: Above 0; 1 returns the levels unchanged.

    Returns:
        float32 unless gamma is 1.

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

    Normalisation removes differences in exposure and bit depth between devices. Normalise before a warp with padding, so that
    padding does not affect the statistics, and a border of 0 has the image's mean grey level.

    Args:
        image: `(height, width)`, any integer or float type, in grey levels.
        out: Output array; by default a new one.

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
    """Mean and standard deviation for normalisation, in grey levels; the standard deviation is at least `MIN_SD`."""
    mean, sd = cv2.meanStdDev(image)
    return mean.item(), max(sd.item(), MIN_SD)

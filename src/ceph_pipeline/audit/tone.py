"""Removal of a cephalogram's tone curve, since the same radiograph is exported with different tone curves."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.augmentation.transforms import full_scale
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks.geometry import Size

NOISE_FLOOR = 4.0
"""Local contrast, in 8-bit grey levels, below which there is only grain and no anatomy."""

Grey = NDArray[np.float32]
"""`(h, w)` in 8-bit grey levels, 0–255 with decimals."""


def shrunk(image: GreyImage, size: Size) -> Grey:
    """The image `(h, w)`, 8 or 16 bits, resized to a smaller (width, height); 16 bits are scaled by the used bit depth."""
    # The contiguous copy also converts memory-mapped pixels to arrays that OpenCV accepts.
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(full_scale(image) / 255)


def flatten_tone(grey: Grey, sigma_px: float) -> NDArray[np.float32]:
    """Subtract the local mean and divide by the local contrast, which removes brightness, contrast and gamma.

    Args:
        grey: `(h, w)`, 0–255.
        sigma_px: Standard deviation of the Gaussian neighbourhood.

    Returns:
        `(h, w)`, about -2 to 2, near 0 where the image is even.
    """
    detail = grey - cv2.GaussianBlur(grey, (0, 0), sigma_px)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), sigma_px))
    return np.asarray(detail / (contrast + NOISE_FLOOR), np.float32)

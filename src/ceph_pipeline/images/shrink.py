"""Resizing of cephalograms for the caches."""

from typing import cast

import cv2
import numpy as np

from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks.geometry import fitted_size


def shrink_to(image: GreyImage, long_side_px: int) -> GreyImage:
    """Resize by pixel areas, which preserves thin bone edges; enlarged images are interpolated.

    Args:
        image: `(height, width)`, 8 or 16 bits.
        long_side_px: Long side of the result; the short side is rounded.
    """
    height, width = image.shape
    size = fitted_size((width, height), long_side_px)
    shrinks = size[0] <= width
    resized = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return cast("GreyImage", resized)  # OpenCV keeps the type

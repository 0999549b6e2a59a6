"""Registration of two images, to decide from the pixels whether they show the same radiograph."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.audit.tone import flatten_tone, shrunk
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks.geometry import Affine, fitted_size

LONG_SIDE_PX = 160
NEIGHBOURHOOD_PX = 3.0
BLUR_PX = 1.5
MIN_OVERLAP = 0.5
MIN_STRUCTURE = 0.1
"""Least standard deviation of the flattened pixels; cephalograms have 0.5 and more, an empty film has 0."""
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)

Thumbnail = NDArray[np.uint8]
"""`(h, w)` with a long side of 160 pixels."""


class Likeness(NamedTuple):
    """Similarity of two registered images.

    Attributes:
        correlation: Correlation of the tone-flattened pixels, -1 to 1: 1 for the same radiograph at any brightness.
        grey_difference: Mean absolute difference of the plain pixels, 0–255: 0 for the same file, small for the same
            export, tens for a different tone curve.
    """

    correlation: float
    grey_difference: float


UNLIKE = Likeness(0.0, 255.0)


def thumbnail(image: GreyImage) -> Thumbnail:
    """The image `(h, w)`, resized for the comparison and converted to 8 bits."""
    size = fitted_size((image.shape[1], image.shape[0]), LONG_SIDE_PX)
    return np.rint(shrunk(image, size)).astype(np.uint8)


def likeness(first: Thumbnail, second: Thumbnail) -> Likeness:
    """Register `second` onto `first` by an affine map, and compare the overlapping parts.

    The initial map makes the frames coincide. It is refined by maximising the enhanced correlation coefficient (Evangelidis and
    Psarakis, TPAMI 2008), which converges for about 7° of rotation and 8 % of scale. Images are dissimilar if the registration
    fails, they overlap by less than half, or the overlap has no structure.
    """
    grey_first, grey_second = first.astype(np.float32), second.astype(np.float32)
    flat_first, flat_second = flatten_tone(grey_first, NEIGHBOURHOOD_PX), flatten_tone(grey_second, NEIGHBOURHOOD_PX)
    size = (first.shape[1], first.shape[0])
    start = Affine.resize(size, (second.shape[1], second.shape[0])).matrix.astype(np.float32)
    try:
        _, matrix = cv2.findTransformECC(_blurred(flat_first), _blurred(flat_second), start, cv2.MOTION_AFFINE, _STOP)
    except cv2.error:  # no convergence, or an image without structure
        return UNLIKE
    overlap = _warped(np.ones_like(flat_second), np.asarray(matrix), size) > 0.99
    if overlap.mean() < MIN_OVERLAP:
        return UNLIKE
    seen = _warped(flat_second, np.asarray(matrix), size)[overlap]
    if min(flat_first[overlap].std(), seen.std()) < MIN_STRUCTURE:
        return UNLIKE
    grey = _warped(grey_second, np.asarray(matrix), size)[overlap]
    correlation = np.corrcoef(flat_first[overlap], seen)[0, 1]
    return Likeness(float(correlation), float(np.abs(grey_first[overlap] - grey).mean()))


def _blurred(flat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blurred pixels, which increase the registration's range of convergence."""
    return np.asarray(cv2.GaussianBlur(flat, (0, 0), BLUR_PX), np.float32)


def _warped(image: NDArray[np.float32], matrix: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32)

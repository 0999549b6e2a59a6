"""Augmentation on the fly: one affine map and one grey-level change a sample."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import Size, centre_of
from ceph_pipeline.training.params import OnlineAugmentation


def random_affine(rng: np.random.Generator, size: Size, ranges: OnlineAugmentation) -> Affine:
    """Rotation, scale and shift about the centre of a (width, height) frame."""
    angle = rng.uniform(-ranges.rotation_deg, ranges.rotation_deg)
    scale = np.exp(rng.uniform(-1, 1) * np.log1p(ranges.scale))
    dx, dy = rng.uniform(-ranges.shift, ranges.shift, 2) * size
    return Affine.similarity(centre_of(size), angle_deg=angle, scale=scale).then(Affine.translation(dx, dy))


def random_greys(rng: np.random.Generator, image: NDArray[np.float32], ranges: OnlineAugmentation) -> NDArray[np.float32]:
    """Gamma, contrast and brightness of a normalised image `(H, W)`."""
    if ranges.gamma:
        low, high = float(image.min()), float(image.max())
        exponent = float(np.exp(rng.uniform(-ranges.gamma, ranges.gamma)))
        span = max(high - low, 1e-6)
        image = cv2.pow((image - low) / span, exponent) * span + low
    gain = 1 + rng.uniform(-ranges.contrast, ranges.contrast)
    return image * np.float32(gain) + np.float32(rng.uniform(-ranges.brightness, ranges.brightness))


def cut_out(rng: np.random.Generator, image: NDArray[np.float32], ranges: OnlineAugmentation) -> None:
    """Set one random square to 0, the mean grey, in place."""
    if not ranges.cutout:
        return
    height, width = image.shape
    side = int(rng.uniform(0, ranges.cutout) * max(height, width))
    x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
    image[max(0, y - side // 2) : y + side // 2, max(0, x - side // 2) : x + side // 2] = 0

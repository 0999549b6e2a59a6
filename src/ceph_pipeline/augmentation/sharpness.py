"""Kinds that change sharpness or local contrast and move no points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, field_validator

from ceph_pipeline.augmentation.kinds import DrawnKind, NonNegativeRange, Range, Source, register
from ceph_pipeline.augmentation.transforms import Transform, full_scale, to_depth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.augmentation.transforms import Pixels


@register("blur")
class Blur(DrawnKind):
    """Blur by the focal spot, the screen or the lens (gaussian), or by movement of the patient (motion).

    Attributes:
        shape: `gaussian`, or `motion` along a straight line in a random direction.
        extent: Range of the Gaussian's standard deviation, or of the line's length.
        unit: Unit of `extent`.
    """

    shape: Literal["gaussian", "motion"] = "gaussian"
    extent: NonNegativeRange = (0.25, 0.6)
    unit: Literal["mm", "px"] = "mm"

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw an extent, and a direction."""
        del copy
        extent = float(rng.uniform(*self.extent)) * (source.pixels_per_mm if self.unit == "mm" else 1.0)
        angle = float(rng.uniform(0, math.pi))
        if self.shape == "gaussian":
            return Transform(lambda image: _smooth(image, extent))
        return Transform(lambda image: _smear(image, motion_kernel(extent, angle)))


def _smooth(image: Pixels, sigma_px: float) -> Pixels:
    import cv2

    if sigma_px < 0.1:  # the kernel is a single 1
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE))


def _smear(image: Pixels, kernel: NDArray[np.float32]) -> Pixels:
    import cv2

    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE))


def motion_kernel(length_px: float, angle_rad: float) -> NDArray[np.float32]:
    """A line through the centre of an odd-sided kernel with sum 1; the kernel is symmetric, so that structures do not move."""
    steps = np.linspace(-length_px / 2, length_px / 2, 2 * max(8, math.ceil(4 * length_px)) + 1)
    radius = math.ceil(length_px / 2) + 1
    grid = np.arange(-radius, radius + 1)
    beside = np.maximum(0, 1 - np.abs(grid[:, None] - steps * math.cos(angle_rad)))
    below = np.maximum(0, 1 - np.abs(grid[:, None] - steps * math.sin(angle_rad)))
    kernel = below @ beside.T
    return np.asarray(kernel / kernel.sum(), np.float32)


@register("clahe")
class Clahe(DrawnKind):
    """Contrast-limited adaptive histogram equalisation (CLAHE), which many viewers apply to films.

    Attributes:
        clip_limit: Range of the limit of a grey level's count, relative to the mean count in a tile; 1 is almost no change.
        tiles: Number of tiles along each side.
    """

    clip_limit: Range = (1.5, 3.0)
    tiles: int = Field(8, ge=1, le=64)

    @field_validator("clip_limit")
    @classmethod
    def _some_limit(cls, limit: Range) -> Range:
        if limit[0] <= 0:
            raise ValueError(f"invalid limit {list(limit)}; expected positive factors.")
        return limit

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw a limit."""
        del source, copy
        limit = float(rng.uniform(*self.clip_limit))
        return Transform(lambda image: self._equalise(image, limit))

    def _equalise(self, image: Pixels, limit: float) -> Pixels:
        import cv2

        clahe = cv2.createCLAHE(limit, (self.tiles, self.tiles))
        if image.dtype == np.uint8:
            return np.asarray(clahe.apply(image))
        white = full_scale(image)  # OpenCV always equalises to 65535, independent of the used depth
        spread = to_depth(image * (65535 / white), 65535, image.dtype)
        return to_depth(clahe.apply(spread) * (white / 65535), white, image.dtype)

"""Transforms of sources: one function for the pixels, one for the points.

Two kinds of pixel function have their own classes, so that training can compose them instead of calling them one after the other:
`Warp` is an affine map, and `Tone` a curve over grey levels. All others are plain functions from pixels to pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks import Affine

Pixels = NDArray[Any]
"""`(height, width)`, uint8 or uint16."""

Points = NDArray[np.float64]
"""`(..., 2)`, in pixels."""

Levels = NDArray[np.float64]
"""Grey levels as fractions of the full scale, 0–1."""

Interpolation = Literal["sharp", "linear"]
"""`sharp`: linear, followed by a filter that restores the sharpness; `linear`: half the time, smoother than the source."""

_IDENTITY = Affine.identity()
_SHARPENING = np.array([-1, 14, -1], np.float32) / 12


@dataclass(frozen=True)
class Transform:
    """The transform from a source to a copy.

    Attributes:
        pixels: Maps the source's image to the copy's image, of the same size and bit depth.
        points: Maps points `(..., 2)` of the source to points of the copy; the identity if the kind moves no points.
    """

    pixels: Callable[[Pixels], Pixels]
    points: Callable[[Points], Points] = _IDENTITY

    @property
    def scale(self) -> float:
        """Pixels of the copy per pixel of the source; the copy's pixel size in mm is the source's pixel size divided by this."""
        return self.points.scale if isinstance(self.points, Affine) else 1.0

    @classmethod
    def warp(cls, affine: Affine, interpolation: Interpolation = "sharp") -> Transform:
        """A transform of pixels and points by one affine map."""
        return cls(Warp(affine, interpolation), affine)


@dataclass(frozen=True)
class Warp:
    """An affine map of pixels within an image of the same size; uncovered areas are black.

    Attributes:
        affine: Map from pixels of the source to pixels of the copy.
        interpolation: `sharp` or `linear`.
    """

    affine: Affine
    interpolation: Interpolation = "sharp"

    def __call__(self, image: Pixels) -> Pixels:
        """The moved image."""
        import cv2

        matrix, size = self.affine.matrix, (image.shape[1], image.shape[0])
        return resample(image, lambda pixels: cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR), self.interpolation)


@dataclass(frozen=True)
class Tone:
    """A curve over grey levels, the same at every pixel.

    Attributes:
        curve: Maps `(levels, mean)` to levels; `mean` is the image's mean level. The curve is ascending, from 0–1 to 0–1.
    """

    curve: Callable[[Levels, float], Levels]

    def __call__(self, image: Pixels) -> Pixels:
        """Apply the curve to all levels; the bit depth is kept."""
        white = full_scale(image)
        changed = self.curve(np.arange(white + 1) / white, float(image.mean()) / white)
        return look_up(image, to_depth(changed * white, white, image.dtype))


def resample(image: Pixels, move: Callable[[Pixels], Any], interpolation: Interpolation) -> Pixels:
    """Move pixels by a function with linear interpolation and, for `sharp`, restore the sharpness.

    Linear interpolation preserves the centre of mass of structures, whereas OpenCV's cubic kernel displaces structures by up to
    0.05 px. A symmetric filter compensates for the smoothing, which is 1 − ω²/12 on average over all sub-pixel positions.

    Args:
        image: `(height, width)`, 8 or 16 bits.
        move: Maps pixels of 8 or 16 bits to moved pixels.
        interpolation: `sharp` or `linear`.
    """
    import cv2  # imported here, because reading a recipe does not require it

    if interpolation == "linear":
        return np.asarray(move(image))
    wide = image.astype(np.uint16) * np.uint16(257) if image.dtype == np.uint8 else image
    sharp = cv2.sepFilter2D(move(wide), -1, _SHARPENING, _SHARPENING, borderType=cv2.BORDER_REPLICATE)
    if image.dtype == np.uint8:
        return np.asarray(cv2.convertScaleAbs(sharp, alpha=1 / 257))
    return np.asarray(np.minimum(sharp, full_scale(image)), image.dtype)


def look_up(image: Pixels, table: NDArray[Any]) -> NDArray[Any]:
    """Replace each level by its entry in a table of any type, which has entries up to the image's white."""
    import cv2

    full = np.zeros(np.iinfo(image.dtype).max + 1, table.dtype)
    full[: len(table)] = table
    return cv2.LUT(np.ascontiguousarray(image), full)


def level_shares(image: Pixels, white: int) -> NDArray[np.float64]:
    """Share of an image's pixels at each level, `(white + 1,)`, with sum 1; gives mean and variance after a tone curve."""
    import cv2

    counts = cv2.calcHist([np.ascontiguousarray(image)], [0], None, [white + 1], [0, white + 1])
    return counts.ravel().astype(np.float64) / image.size


def full_scale(image: Pixels) -> int:
    """The value of white: 255 for 8 bits; for 16 bits the top of the used depth (4095 for a 12-bit detector)."""
    if image.dtype == np.uint8:
        return 255
    return (1 << max(8, int(image.max()).bit_length())) - 1


def to_depth(image: NDArray[Any], white: int, dtype: np.dtype[Any]) -> Pixels:
    """Floating-point grey levels, rounded and clipped to black and white."""
    rounded: Pixels = np.rint(np.clip(image, 0, white)).astype(dtype)
    return rounded

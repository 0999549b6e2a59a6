"""What a kind of copy does to a source: one function for the pixels, one for the points.

Two sorts of pixel function say what they are, so that training can compose them instead of calling one after the other:
a `Warp` is an affine map, a `Tone` a curve over grey levels. Everything else is a function from pixels to pixels.
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

Interpolation = Literal["cubic", "linear"]

_IDENTITY = Affine.identity()


@dataclass(frozen=True)
class Change:
    """One copy's way from its source.

    Attributes:
        pixels: The source's image to the copy's, in the same size and bit depth.
        points: Points `(..., 2)` of the source to points of the copy; the identity where the kind moves nothing.
    """

    pixels: Callable[[Pixels], Pixels]
    points: Callable[[Points], Points] = _IDENTITY

    @property
    def moves(self) -> bool:
        """Whether pixels and points move."""
        return self.points is not _IDENTITY

    @property
    def scale(self) -> float:
        """Pixels of the copy per pixel of the source; a copy's pixel size in mm is its source's divided by this."""
        return self.points.scale if isinstance(self.points, Affine) else 1.0

    @classmethod
    def warp(cls, affine: Affine, interpolation: Interpolation = "cubic") -> Change:
        """Pixels and points moved by one affine map."""
        return cls(Warp(affine, interpolation), affine)


@dataclass(frozen=True)
class Warp:
    """Pixels moved by an affine map within a frame of the same size; what it uncovers is black.

    Attributes:
        affine: From pixels of the source to pixels of the copy.
        interpolation: `cubic` keeps trabecular detail; `linear` takes a third of the time and blurs slightly.
    """

    affine: Affine
    interpolation: Interpolation = "cubic"

    def __call__(self, image: Pixels) -> Pixels:
        """The moved image."""
        import cv2  # loaded where pixels are touched, so that recipes are read without it

        flags = {"cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}[self.interpolation]
        size = (image.shape[1], image.shape[0])
        moved: Pixels = cv2.warpAffine(
            image, self.affine.matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0
        )
        return moved


@dataclass(frozen=True)
class Tone:
    """Grey levels changed by one curve, the same at every pixel.

    Attributes:
        curve: `(levels, mean)` to levels; `mean` is the image's mean level. Ascending, 0–1 to 0–1.
    """

    curve: Callable[[Levels, float], Levels]

    def __call__(self, image: Pixels) -> Pixels:
        """The image with every level looked up; bit depth kept."""
        white = full_scale(image)
        changed = self.curve(np.arange(white + 1) / white, float(image.mean()) / white)
        return look_up(image, to_depth(changed * white, white, image.dtype))


def look_up(image: Pixels, table: NDArray[Any]) -> NDArray[Any]:
    """Replace each level by its entry in a table, of any type, that reaches up to the image's white."""
    import cv2

    full = np.zeros(np.iinfo(image.dtype).max + 1, table.dtype)
    full[: len(table)] = table
    return cv2.LUT(np.ascontiguousarray(image), full)


def full_scale(image: Pixels) -> int:
    """The value of white: 255 for 8 bits; for 16 bits the top of the used depth (4095 for a 12-bit detector)."""
    if image.dtype == np.uint8:
        return 255
    return (1 << max(8, int(image.max()).bit_length())) - 1


def to_depth(image: NDArray[Any], white: int, dtype: np.dtype[Any]) -> Pixels:
    """Grey levels computed in floats, rounded and held between black and white."""
    rounded: Pixels = np.rint(np.clip(image, 0, white)).astype(dtype)
    return rounded

"""Cutting square crops out of an image, and the exact way back."""

from bisect import bisect_right
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks.geometry import Affine

Pixels = NDArray[np.integer[Any] | np.floating[Any]]
"""`(height, width)`, grey levels of any type that OpenCV warps."""

LEVELS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""Factors by which an image is reduced beforehand. Bilinear sampling beyond 1.5 image pixels a step skips pixels."""


def crop_map(centre: tuple[float, float], field_px: float, rotation_deg: float, crop_px: int) -> Affine:
    """The map from an image's pixels to a crop's; its inverse leads back, over the border too."""
    return Affine.crop(centre, field_px, crop_px, rotation_deg)


def uncrop(
    points: NDArray[np.float64],
    centres: NDArray[np.float64],
    field_px: NDArray[np.float64],
    rotation_deg: NDArray[np.float64],
    crop_px: int,
) -> NDArray[np.float64]:
    """Bring points from many crops back to their images: the inverse of every crop's `crop_map` at once.

    Args:
        points: `(M, 2)` px of the crops.
        centres: `(M, 2)` px of the images.
        field_px: `(M,)` px of the images.
        rotation_deg: `(M,)`.
        crop_px: Side of the crops.

    Returns:
        `(M, 2)` px of the images.
    """
    x, y = ((points - (crop_px - 1) / 2) * (field_px / crop_px)[:, None]).T
    cos, sin = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1) + centres


class SourcePyramid:
    """A decoded image that crops are cut from, each by one warp.

    Where a crop has fewer pixels than its field of view, the whole image is first reduced by area averaging, once for all
    its crops, so that fine structure does not alias; the maps compose exactly.

        source = SourcePyramid(image)
        crop, to_crop = source.cut((812.4, 1033.0), field_px=250, rotation_deg=0, crop_px=128)

    Args:
        image: `(height, width)`, 8 or 16 bits.
    """

    def __init__(self, image: Pixels) -> None:
        self._image: Pixels = np.asarray(image)
        self._reduced: dict[float, tuple[Pixels, Affine]] = {}

    def cut(self, centre: tuple[float, float], field_px: float, rotation_deg: float, crop_px: int) -> tuple[Pixels, Affine]:
        """Cut one crop; beyond the image's border its edge pixels go on.

        Args:
            centre: Point of the image that lands on the crop's centre, px.
            field_px: Side of the field of view, px of the image.
            rotation_deg: Rotation of the content, counter-clockwise on the screen.
            crop_px: Side of the crop.

        Returns:
            The crop `(crop_px, crop_px)`, of the image's type, and the map from the image's pixels to the crop's.
        """
        to_crop = crop_map(centre, field_px, rotation_deg, crop_px)
        return self._warped(to_crop, field_px / crop_px, crop_px), to_crop

    def warp(self, to_crop: Affine, crop_px: int) -> Pixels:
        """Cut the crop that a map leads to, such as one that also mirrors.

        Args:
            to_crop: From the image's pixels to the crop's; a similarity, mirrored or not.
            crop_px: Side of the crop.

        Returns:
            `(crop_px, crop_px)`, the image's type.
        """
        return self._warped(to_crop, 1 / to_crop.scale, crop_px)

    def _warped(self, to_crop: Affine, minification: float, crop_px: int) -> Pixels:
        """One warp, from the most reduced copy that is still as fine as the crop."""
        factor = LEVELS[bisect_right(LEVELS, max(1.05 * minification, 1.0)) - 1]
        pixels, matrix = self._image, to_crop.matrix
        if factor > 1:
            pixels, to_image = self._level(factor)
            matrix = to_image.then(to_crop).matrix
        size = (crop_px, crop_px)
        return cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _level(self, factor: float) -> tuple[Pixels, Affine]:
        """The copy reduced by a factor, and the map from it to the image."""
        if factor not in self._reduced:
            height, width = self._image.shape
            size = (max(1, round(width / factor)), max(1, round(height / factor)))
            pixels = cv2.resize(self._image, size, interpolation=cv2.INTER_AREA)
            self._reduced[factor] = (pixels, Affine.resize(size, (width, height)))
        return self._reduced[factor]


def cut(image: Pixels, centre: tuple[float, float], field_px: float, rotation_deg: float, crop_px: int) -> tuple[Pixels, Affine]:
    """Cut one crop from an image, and give the map to it; for many crops of one image, keep a `SourcePyramid`."""
    return SourcePyramid(image).cut(centre, field_px, rotation_deg, crop_px)

"""Cut square crops from an image; the inverse maps convert points back exactly."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks import Affine, Affines

Pixels = NDArray[np.integer[Any] | np.floating[Any]]
"""`(height, width)`, grey levels of any type that OpenCV warps."""

LEVELS = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0])
"""Factors by which an image is reduced first. Bilinear sampling with steps of more than 1.5 image pixels skips pixels."""

TOLERANCE = 1.05
"""A level is also used for crops that are up to 5 % finer, so that one level suffices for a field of view and its jitter."""


class SourcePyramid:
    """A decoded image from which crops are cut, each by one warp.

    If crops have fewer pixels than their field of view, the whole image is first reduced by averaging, once for all crops.
    This avoids aliasing; the maps compose exactly.

        source = SourcePyramid(image)
        maps = Affines.crops(centres, field_px, 128)
        crops = source.cut(maps, 128)
        points_in_image = maps.inverse()(points_in_crops)

    Args:
        image: `(height, width)`, 8 or 16 bits.
    """

    def __init__(self, image: Pixels) -> None:
        self._image: Pixels = np.asarray(image)
        self._levels: dict[float, tuple[Pixels, Affine]] = {1.0: (self._image, Affine.identity())}

    def cut(self, maps: Affines, crop_px: int) -> Pixels:
        """Cut crops; beyond the image's border the edge pixels are repeated.

        Args:
            maps: From the image's pixels to each of M crops'; similarities, mirrored or not.
            crop_px: Side of the crops.

        Returns:
            `(M, crop_px, crop_px)`, of the image's type.
        """
        crops = np.empty((len(maps), crop_px, crop_px), self._image.dtype)
        for rows, pixels, matrices in self.warps(maps):
            for row, matrix in zip(rows.tolist(), matrices, strict=True):
                cv2.warpAffine(pixels, matrix, (crop_px, crop_px), crops[row], cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        return crops

    def warps(self, maps: Affines) -> Iterator[tuple[NDArray[np.intp], Pixels, NDArray[np.float64]]]:
        """The pixels and matrices from which crops are warped, one reduction level of the image at a time.

        Args:
            maps: As in `cut`.

        Yields:
            Rows of `maps`, the pixels they are cut from, and their matrices `(m, 2, 3)` from those pixels to the crops.
        """
        factors = LEVELS[np.searchsorted(LEVELS, np.maximum(TOLERANCE / maps.scales, 1.0), side="right") - 1]
        for factor in np.unique(factors):
            rows = np.flatnonzero(factors == factor)
            pixels, to_image = self._level(float(factor))
            matrices = maps.matrix[rows, :, :2] @ to_image.matrix
            matrices[..., 2] += maps.matrix[rows, :, 2]
            yield rows, pixels, matrices

    def _level(self, factor: float) -> tuple[Pixels, Affine]:
        """The image reduced by a factor, and the map from the reduced image to the image."""
        if factor not in self._levels:
            finer, to_image = self._level(factor / 2 if factor >= 2 else 1.0)
            reduced, to_finer = _reduced(finer, factor if factor < 2 else 2.0)
            self._levels[factor] = (reduced, to_finer.then(to_image))
        return self._levels[factor]


def _reduced(pixels: Pixels, factor: float) -> tuple[Pixels, Affine]:
    """Pixels reduced by exactly 2 or 1.5, and the map back; incomplete blocks at the right and bottom are dropped.

    A factor of exactly 2 is the mean of 2 × 2 pixels, which OpenCV vectorises; averaging over fractional areas takes more than
    30 times as long. At exactly 1.5, every bilinear sample is ¾ of one pixel and ¼ of the next along each axis, close to the
    area mean.
    """
    block = 2 if factor == 2 else 3
    height, width = (side // block * block for side in pixels.shape)
    if not height or not width:  # too small for a further reduction
        return pixels, Affine.identity()
    size = (round(width / factor), round(height / factor))
    interpolation = cv2.INTER_AREA if factor == 2 else cv2.INTER_LINEAR
    return cv2.resize(pixels[:height, :width], size, interpolation=interpolation), Affine.resize(size, (width, height))

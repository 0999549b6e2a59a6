"""Cutting square crops out of an image; the maps that cut them lead exactly back."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks import Affine, Affines

Pixels = NDArray[np.integer[Any] | np.floating[Any]]
"""`(height, width)`, grey levels of any type that OpenCV warps."""

LEVELS = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0])
"""Factors by which an image is reduced beforehand. Bilinear sampling beyond 1.5 image pixels a step skips pixels."""

TOLERANCE = 1.05
"""A level is taken for crops that are up to 5 % finer than it, so that one level serves a field of view and its jitter."""


class SourcePyramid:
    """A decoded image that crops are cut from, each by one warp.

    Where crops have fewer pixels than their field of view, the whole image is first reduced by area averaging, once for
    all of them, so that fine structure does not alias; the maps compose exactly.

        source = SourcePyramid(image)
        maps = Affines.crops(centres, field_px, 128)
        crops = source.cut(maps, 128)
        points_in_image = maps.inverse()(points_in_crops)

    Args:
        image: `(height, width)`, 8 or 16 bits.
    """

    def __init__(self, image: Pixels) -> None:
        self._image: Pixels = np.asarray(image)
        self._reduced: dict[float, tuple[Pixels, Affine]] = {}

    def cut(self, maps: Affines, crop_px: int) -> Pixels:
        """Cut crops; beyond the image's border its edge pixels go on.

        Args:
            maps: From the image's pixels to each of M crops'; similarities, mirrored or not.
            crop_px: Side of the crops.

        Returns:
            `(M, crop_px, crop_px)`, of the image's type.
        """
        crops = np.empty((len(maps), crop_px, crop_px), self._image.dtype)
        factors = LEVELS[np.searchsorted(LEVELS, np.maximum(TOLERANCE / maps.scales, 1.0), side="right") - 1]
        for factor in np.unique(factors):
            rows = np.flatnonzero(factors == factor)
            pixels, to_image = self._level(float(factor))
            matrices = maps.matrix[rows, :, :2] @ to_image.matrix
            matrices[..., 2] += maps.matrix[rows, :, 2]
            for row, matrix in zip(rows.tolist(), matrices, strict=True):
                cv2.warpAffine(pixels, matrix, (crop_px, crop_px), crops[row], cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        return crops

    def _level(self, factor: float) -> tuple[Pixels, Affine]:
        """The copy reduced by a factor, and the map from it to the image."""
        if factor not in self._reduced:
            height, width = self._image.shape
            size = (max(1, round(width / factor)), max(1, round(height / factor)))
            pixels = self._image if factor == 1 else cv2.resize(self._image, size, interpolation=cv2.INTER_AREA)
            self._reduced[factor] = (pixels, Affine.resize(size, (width, height)))
        return self._reduced[factor]

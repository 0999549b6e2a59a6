"""A kind that covers parts of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.kinds import DrawnKind, ShareRange, Source, register
from ceph_pipeline.augmentation.transforms import Transform, full_scale

if TYPE_CHECKING:
    from ceph_pipeline.augmentation.transforms import Pixels


@register("cutout")
class Cutout(DrawnKind):
    """Squares of uniform grey; covered landmarks can be located only from their surroundings.

    Attributes:
        squares: Number of squares.
        side: Range of a square's side as a fraction of the image's long side. The centre can be anywhere in the image, so that
            squares may be partly outside.
        fill: Grey level of the squares.
    """

    squares: int = Field(1, ge=1, le=16)
    side: ShareRange = (0.05, 0.15)
    fill: Literal["mean", "black", "white"] = "mean"

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the positions of the squares."""
        del copy
        halves = rng.uniform(*self.side, self.squares) * max(source.size) / 2
        centres = rng.uniform(0, source.size, (self.squares, 2))
        first = np.maximum(np.rint(centres - halves[:, None]), 0).astype(int).tolist()
        last = np.maximum(np.rint(centres + halves[:, None]), 0).astype(int).tolist()
        return Transform(lambda image: self._erase(image, first, last))

    def _erase(self, image: Pixels, first: list[list[int]], last: list[list[int]]) -> Pixels:
        import cv2  # imported here, because reading a recipe does not require it

        erased: Pixels = np.array(image)
        grey = {"mean": round(cv2.mean(image)[0]), "black": 0, "white": full_scale(image)}[self.fill]
        for (left, top), (right, bottom) in zip(first, last, strict=True):
            erased[top:bottom, left:right] = grey
        return erased

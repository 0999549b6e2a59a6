"""Kinds that move pixels and points by one exact map, and the original, which moves nothing."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.kinds import Change, Kind, Pixels, Source, register
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import centre_of


@register("original")
class Original(Kind):
    """The source itself, in the store's format."""

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """No change."""
        del source, copy, rng
        return Change(pixels=lambda image: image)


@register("flip")
class Flip(Kind):
    """The face turned round. A lateral cephalogram has no left and right points to exchange."""

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Mirror at the vertical axis."""
        del copy, rng
        return Change(pixels=lambda image: np.ascontiguousarray(image[:, ::-1]), points=Affine.flip(source.size[0]))


@register("rotation")
class Rotation(Kind):
    """Rotation about the image's true centre in a frame of the same size.

    Points that the rotation carries out of the frame are recorded as missing and counted in the summary.

    Attributes:
        angles_deg: One copy each; positive is counter-clockwise on the screen.
        interpolation: `cubic` keeps trabecular detail; `linear` takes a third of the time and blurs slightly.
    """

    angles_deg: tuple[float, ...] = Field((7.0, -7.0), min_length=1)
    interpolation: Literal["cubic", "linear"] = "cubic"

    @property
    def copies(self) -> int:
        """One for each angle."""
        return len(self.angles_deg)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Rotate by the angle of this copy."""
        del rng
        turn = Affine.similarity(centre_of(source.size), angle_deg=self.angles_deg[copy])
        return Change(pixels=lambda image: self._warp(image, turn), points=turn)

    def _warp(self, image: Pixels, turn: Affine) -> Pixels:
        import cv2  # loaded where pixels are touched, so that recipes are read without it

        flags = {"cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}[self.interpolation]
        size = (image.shape[1], image.shape[0])
        return cv2.warpAffine(image, turn.matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)

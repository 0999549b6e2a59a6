"""Kinds that move pixels and points by an affine map, and the original, which is unchanged."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, field_validator

from ceph_pipeline.augmentation.kinds import DrawnKind, Kind, Range, Source, register
from ceph_pipeline.augmentation.transforms import Interpolation, Transform, Warp
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.geometry import centre_of


@register("original")
class Original(Kind):
    """The unchanged source, in the store's format."""

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """No change."""
        del source, copy, rng
        return Transform(pixels=lambda image: image)


class Mirror(Warp):
    """A flip, which needs no interpolation."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The mirrored image."""
        return np.ascontiguousarray(image[:, ::-1])


@register("flip")
class Flip(Kind):
    """Horizontal flip. A lateral cephalogram has no left and right landmarks to exchange."""

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Mirror about the vertical axis."""
        del copy, rng
        mirror = Affine.flip(source.size[0])
        return Transform(Mirror(mirror), mirror)


@register("rotation")
class Rotation(Kind):
    """Rotation about the image's exact centre; the image keeps its size.

    Points that leave the image are recorded as missing and counted in the summary.

    Attributes:
        angles_deg: Angles, with one copy each; positive is counter-clockwise on the screen.
        interpolation: `sharp` or `linear`.
    """

    angles_deg: tuple[float, ...] = Field((7.0, -7.0), min_length=1)
    interpolation: Interpolation = "sharp"

    @property
    def copies(self) -> int:
        """One copy for each angle."""
        return len(self.angles_deg)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Rotate by the angle of this copy."""
        del rng
        turn = Affine.similarity(centre_of(source.size), angle_deg=self.angles_deg[copy])
        return Transform.warp(turn, self.interpolation)


@register("affine")
class RandomAffine(DrawnKind):
    """A small random rotation, scaling, shear and shift about the image's exact centre, as from different patient positioning.

    Shear changes angles by about its own amount, so that the copy's measurements are computed from its own points. Shear is off
    by default.

    Attributes:
        rotation_deg: Range of the angle; positive is counter-clockwise on the screen.
        scale: Range of the factor, drawn log-uniformly: 0.5 is as likely as 2.
        shift: Range of the shift along each axis, as a fraction of that side.
        shear_deg: Range of the angle by which vertical lines are tilted to the right.
        interpolation: `sharp` or `linear`; always linear for augmentation on the fly.
    """

    rotation_deg: Range = (-5.0, 5.0)
    scale: Range = (0.95, 1.05)
    shift: Range = (-0.03, 0.03)
    shear_deg: Range = (0.0, 0.0)
    interpolation: Interpolation = "sharp"

    @field_validator("scale")
    @classmethod
    def _leave_a_picture(cls, scale: Range) -> Range:
        if scale[0] < 0.2 or scale[1] > 5:
            raise ValueError(f"the scale {list(scale)} is too extreme; expected values from 0.2 to 5.")
        return scale

    @field_validator("shear_deg")
    @classmethod
    def _stay_upright(cls, shear: Range) -> Range:
        if max(map(abs, shear)) > 30:
            raise ValueError(f"the shear {list(shear)} is too extreme; expected values from -30 to 30 degrees.")
        return shear

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw a map."""
        del copy
        centre = centre_of(source.size)
        lean = math.tan(math.radians(rng.uniform(*self.shear_deg)))
        shear = Affine(np.array([[1.0, -lean, lean * centre[1]], [0.0, 1.0, 0.0]]))
        scale = math.exp(rng.uniform(*np.log(self.scale)))
        turn = Affine.similarity(centre, angle_deg=rng.uniform(*self.rotation_deg), scale=scale)
        shift = Affine.translation(*(rng.uniform(*self.shift, 2) * source.size))
        return Transform.warp(shear.then(turn).then(shift), self.interpolation)

"""Synthetic braces: a cephalogram with a fixed appliance drawn on the teeth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.appliance import Design, build
from ceph_pipeline.augmentation.beam import Beam, Vector, pixels_per_mm
from ceph_pipeline.augmentation.dentition import DENTAL, crown_lines, fit_arches
from ceph_pipeline.augmentation.kinds import DrawnKind, NonNegativeRange, Range, Source, register
from ceph_pipeline.augmentation.transforms import Pixels, Transform

if TYPE_CHECKING:
    from ceph_pipeline.augmentation.appliance import Part
    from ceph_pipeline.augmentation.metal import FloatImage, Window

FADE_MM = 0.4
"""Width over which metal fades out at the limit of the reach."""


@register("braces")
class Braces(DrawnKind):
    """Brackets on the visible crowns of both arches, joined by an arch wire; no points move.

    Attributes:
        wire_mm: Height of the arch wire, which is round in half of the copies and rectangular in the others.
        molar_bands: Share of the copies with bands on the first molars; the others have bonded tubes.
        hooks: Share of the copies with ball hooks on canines and first premolars.
        turn_deg: Range of the skull's rotation about its vertical axis, which separates the arch's halves horizontally.
        tilt_deg: Range of the skull's sideways tilt, which separates the halves vertically.
        steel_per_mm: Range of the linear attenuation of steel. It is 1.5 per mm at 50 keV and 0.95 at 60 keV, about the energy
            of an 80 kV beam after the skull. Brackets on films of real braces correspond to 0.5 to 1.5.
        blur_mm: Range of the standard deviation of the blur of the metal's edges by focal spot and detector.
        reach_mm: Pixels further than this from the line through an arch's cusp tips and incisal edge do not change.
    """

    wire_mm: float = Field(0.45, gt=0, le=1.5)
    molar_bands: float = Field(0.4, ge=0, le=1)
    hooks: float = Field(0.5, ge=0, le=1)
    turn_deg: Range = (-1.5, 1.5)
    tilt_deg: Range = (-1.3, 1.3)
    steel_per_mm: NonNegativeRange = (0.9, 1.5)
    blur_mm: NonNegativeRange = (0.10, 0.17)
    reach_mm: float = Field(6.0, ge=4, le=12)

    def unavailable(self, source: Source) -> str | None:
        """The reason why a source has no eight dental landmarks or no scale; None if it has both."""
        if any(name not in source.landmarks for name in DENTAL):
            return "no tooth landmarks"
        if pixels_per_mm(source) is None:
            return "neither pixel size nor Sella and Nasion"
        return None

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Bond an appliance to this source's crowns.

        Raises:
            ValueError: braces are unavailable for the source, see `unavailable`.
        """
        del copy
        scale = pixels_per_mm(source)
        reason = self.unavailable(source)
        if scale is None or reason:
            raise ValueError(f"source {source.image_id}: braces cannot be drawn ({reason}).")
        return Transform(pixels=lambda image: self._bond(image, source, scale, rng))

    def _bond(self, image: Pixels, source: Source, scale: float, rng: np.random.Generator) -> Pixels:
        """The image with an appliance, drawn within a window around the teeth."""
        from ceph_pipeline.augmentation import metal  # imported here, because reading a recipe does not require OpenCV

        lines = crown_lines(source.landmarks)
        window = metal.window_around(np.concatenate(lines), self.reach_mm * scale, image.shape)
        if window.is_empty:
            return image
        beam = Beam.through(source.landmarks, scale, rng.uniform(*self.turn_deg), rng.uniform(*self.tilt_deg))
        parts = self._appliance(source, beam, rng)
        passed = metal.transmission(parts, beam, window, rng.uniform(*self.steel_per_mm), rng.uniform(*self.blur_mm))
        white = metal.densest(image, np.array(list(source.landmarks.values())))
        braced = image.copy()
        braced[window.slices] = metal.attenuate(
            image[window.slices], self._limit(passed, lines, window, scale), white, float(image.max())
        )
        return braced

    def _appliance(self, source: Source, beam: Beam, rng: np.random.Generator) -> list[Part]:
        """The random appliances of both jaws."""
        design = Design(
            slot_mm=float(rng.choice([0.46, 0.56])),
            wire_mm=self.wire_mm,
            rectangular=bool(rng.random() < 0.5),
            molar_bands=bool(rng.random() < self.molar_bands),
            hooks=bool(rng.random() < self.hooks),
            width=float(rng.uniform(0.94, 1.06)),
            gap=float(rng.uniform(0.08, 0.28)),
        )
        return [part for arch in fit_arches(source.landmarks, beam, rng) for part in build(arch, design)]

    def _limit(self, passed: FloatImage, lines: tuple[Vector, Vector], window: Window, scale: float) -> FloatImage:
        """Fade out the metal beyond the reach."""
        from ceph_pipeline.augmentation import metal

        distance = np.minimum(*(metal.distance_to_line(window, line) for line in lines))
        inside = np.clip((np.float32(self.reach_mm) - distance / np.float32(scale)) / np.float32(FADE_MM), 0.0, 1.0)
        return np.asarray(1.0 - inside * (1.0 - passed))

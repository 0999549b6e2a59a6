"""Synthetic braces: the same cephalogram with a fixed appliance in the mouth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.changes import Change, Pixels, full_scale
from ceph_pipeline.augmentation.dentition import DENTAL, Arch, fit_arches, pixels_per_mm
from ceph_pipeline.augmentation.kinds import Kind, Range, Source, register

if TYPE_CHECKING:
    from ceph_pipeline.augmentation.metal import FloatImage, Window


@register("braces")
class Braces(Kind):
    """Brackets on the visible crowns of both arches, joined by an arch wire; no point moves.

    Attributes:
        wire_mm: Diameter of the arch wire.
        blur_mm: Range of the standard deviation of the blur that focal spot and detector give to the metal's edges.
        reach_mm: Nothing changes farther than this from the line through an arch's cusp tips and incisal edge.
    """

    wire_mm: float = Field(0.5, gt=0, le=1.5)
    blur_mm: Range = (0.12, 0.22)
    reach_mm: float = Field(6.0, ge=4, le=12)

    @property
    def copies(self) -> int:
        """One."""
        return 1

    def unavailable(self, source: Source) -> str | None:
        """A source needs its eight dental landmarks and a scale."""
        if any(name not in source.landmarks for name in DENTAL):
            return "no tooth landmarks"
        if pixels_per_mm(source) is None:
            return "neither pixel size nor Sella and Nasion"
        return None

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Change:
        """Bond the appliance to this source's crowns.

        Raises:
            ValueError: the source can have none, see `unavailable`.
        """
        del copy
        scale = pixels_per_mm(source)
        reason = self.unavailable(source)
        if scale is None or reason:
            raise ValueError(f"source {source.image_id}: braces cannot be drawn ({reason}).")
        return Change(pixels=lambda image: self._bond(image, source, scale, rng))

    def _bond(self, image: Pixels, source: Source, scale: float, rng: np.random.Generator) -> Pixels:
        """The image with the appliance, drawn within a window around the teeth."""
        from ceph_pipeline.augmentation import metal  # loads OpenCV, which reading a recipe does without

        arches = fit_arches(source.landmarks, scale, rng)
        tips = np.concatenate([arch.tips for arch in arches])
        shape = (image.shape[0], image.shape[1])
        window = metal.window_around(tips, self.reach_mm * scale, shape)
        if window.is_empty:
            return image
        thickness = self._thickness(arches, window, scale, float(rng.uniform(*self.blur_mm)))
        braced = image.copy()
        inside = np.s_[window.top : window.bottom, window.left : window.right]
        braced[inside] = metal.attenuate(image[inside], thickness, full_scale(image), rng)
        return braced

    def _thickness(self, arches: tuple[Arch, ...], window: Window, scale: float, blur_mm: float) -> FloatImage:
        """Optical thickness with blurred edges, nothing of it beyond the reach."""
        import cv2

        from ceph_pipeline.augmentation import metal

        sharp = metal.draw_appliance(arches, window, scale, self.wire_mm)
        thickness = cv2.GaussianBlur(sharp, (0, 0), max(0.3, blur_mm * scale))
        distance = np.minimum.reduce([metal.distance_to_line(window, arch.tips) for arch in arches])
        thickness[distance > self.reach_mm * scale] = 0.0
        return np.asarray(thickness, dtype=np.float32)

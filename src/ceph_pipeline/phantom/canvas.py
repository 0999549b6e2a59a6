"""An attenuation image to which tissues are added, as along the path of X-rays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ceph_pipeline.phantom.curves import Curve, offset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.landmarks.geometry import Affine, Size

_FINE, _FINER = 2, 4
"""Mask pixels per image pixel and axis, for large and for small structures: edges are exact to 0.25 and 0.13 px."""

_SMALL_PX = 90_000
"""Windows with fewer pixels are drawn with the finer mask."""

_SHIFT = 4
"""Fractional bits of coordinates in OpenCV's drawing functions."""

_DOME_MM = 0.8
"""Grid spacing for the smooth thickness of whole bodies."""


class Canvas:
    """Adds structures, given in millimetres, to an attenuation image.

    Amounts are equivalent millimetres of water; air inside the body has a negative amount.

    Attributes:
        attenuation: `(height, width)` float32.
        to_px: Map from millimetres to pixels.
    """

    def __init__(self, size: Size, to_px: Affine, texture: NDArray[np.float32]) -> None:
        """Start with air only.

        Args:
            size: (width, height) in pixels.
            to_px: Map from millimetres to pixels, without shear.
            texture: `(height, width)`, mean 0, sd 1: the trabecular pattern of textured bone.
        """
        self.attenuation = np.zeros((size[1], size[0]), np.float32)
        self.to_px = to_px
        self._texture = texture

    def fill(self, outline: Curve, amount: float, *, soft_mm: float = 0.0, texture: float = 0.0) -> None:
        """Add a plate of uniform thickness.

        Args:
            outline: Closed outline.
            amount: Attenuation.
            soft_mm: Standard deviation of the blur of the edge.
            texture: Standard deviation of the thickness, as a fraction.
        """
        window, mask = self._coverage(outline, soft_mm=soft_mm)
        grain = 1 + texture * self._texture[window] if texture else 1
        self.attenuation[window] += np.float32(amount) * mask * grain

    def line(self, path: Curve, width_mm: float, amount: float, *, soft_mm: float = 0.0) -> None:
        """Add a thin sheet seen edge-on: a stroke with round ends."""
        window, mask = self._coverage(path, stroke_mm=width_mm, soft_mm=soft_mm)
        self.attenuation[window] += np.float32(amount) * mask

    def wall(self, outline: Curve, width_mm: float, amount: float, *, soft_mm: float = 0.0) -> None:
        """Add a line along a closed outline."""
        self.line(np.concatenate([outline, outline[:1]]), width_mm, amount, soft_mm=soft_mm)

    def sheet(self, path: Curve, width_mm: float, amount: float) -> None:
        """Add a curved sheet that is tangential to the rays along `path`: a line that is brightest in its middle."""
        self.line(path, width_mm, 0.5 * amount)
        self.line(path, 0.4 * width_mm, 0.5 * amount)

    def cortex(self, surface: Curve, width_mm: float, amount: float) -> None:
        """Add a cortex along part of a surface: the band between the surface and its parallel, right of it if `width_mm` > 0."""
        self.fill(np.concatenate([surface, offset(surface, width_mm)[::-1]]), amount)

    def rim(self, outline: Curve, width_mm: float, amount: float) -> None:
        """Add a cortex: the band inside a closed outline, where rays are tangential to the surface."""
        window, mask = self._coverage(outline, rim_mm=width_mm)
        self.attenuation[window] += np.float32(amount) * mask

    def dome(self, outline: Curve, depth_mm: float, amount: float) -> None:
        """Add a rounded body, whose thickness increases inwards from the outline like a circle's chord up to `depth_mm`."""
        window, mask = self._coverage(outline)
        if not mask.size:
            return
        corner = outline.min(axis=0) - 2 * _DOME_MM
        cells = np.ceil((outline.max(axis=0) - corner) / _DOME_MM).astype(int) + 3
        inside = np.zeros((cells[1], cells[0]), np.uint8)
        cv2.fillPoly(inside, [_fixed((outline - corner) / _DOME_MM)], 1, shift=_SHIFT)
        cells_deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - 0.75  # from the edge, not from cell centres
        depth = np.maximum(cells_deep, 0) * np.float32(_DOME_MM / depth_mm)
        chord = np.sqrt(1 - (1 - np.minimum(depth, 1)) ** 2)
        to_grid = self.to_px.inverse().matrix.copy()
        to_grid[:, 2] -= corner
        to_grid /= _DOME_MM
        to_grid[:, 2] += to_grid[:, :2] @ (window[1].start, window[0].start)
        shape = (mask.shape[1], mask.shape[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        thickness = cv2.warpAffine(chord, to_grid, shape, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        self.attenuation[window] += np.float32(amount) * thickness * mask

    def _coverage(
        self, path: Curve, *, soft_mm: float = 0.0, stroke_mm: float = 0.0, rim_mm: float = 0.0
    ) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
        """The image's window that contains a structure (empty if outside), and the covered share of each of its pixels."""
        points = self.to_px(path)
        height, width = self.attenuation.shape
        margin = (3 * soft_mm + stroke_mm) * self.to_px.scale + 2
        left, top = np.maximum(np.floor(points.min(axis=0) - margin).astype(int), 0)
        right, bottom = np.minimum(np.ceil(points.max(axis=0) + margin).astype(int) + 1, (width, height))
        if right <= left or bottom <= top:
            return (slice(0), slice(0)), np.zeros((0, 0), np.float32)
        scale = _FINER if (bottom - top) * (right - left) < _SMALL_PX else _FINE
        fine = np.zeros(((bottom - top) * scale, (right - left) * scale), np.uint8)
        drawn = [_fixed((points - (left, top) + 0.5) * scale - 0.5)]
        if stroke_mm:
            thickness = max(1, round(stroke_mm * self.to_px.scale * scale))
            cv2.polylines(fine, drawn, isClosed=False, color=255, thickness=thickness, shift=_SHIFT)
        else:
            cv2.fillPoly(fine, drawn, 255, shift=_SHIFT)
        if rim_mm:
            band = np.zeros_like(fine)
            thickness = max(1, round(2 * rim_mm * self.to_px.scale * scale))
            cv2.polylines(band, drawn, isClosed=True, color=255, thickness=thickness, shift=_SHIFT)
            fine &= band
        mask = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA).astype(np.float32)
        if soft_mm:
            cv2.GaussianBlur(mask, (0, 0), soft_mm * self.to_px.scale, dst=mask)
        return (slice(top, bottom), slice(left, right)), mask / np.float32(255)


def _fixed(points: Curve) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)

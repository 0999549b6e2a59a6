"""Metal in a radiograph: optical thickness drawn from shapes, and what it does to the grey values under it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.augmentation.changes import Pixels
from ceph_pipeline.augmentation.dentition import Arch, Bracket, Vector

FloatImage = NDArray[np.float32]

STEEL_PER_MM = 0.7
"""Linear attenuation of stainless steel in a cephalometric beam (about 70 keV effective), per mm."""

_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Window:
    """The part of an image in which metal is drawn: columns left..right−1 and rows top..bottom−1."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def is_empty(self) -> bool:
        """Nothing of it lies in the image."""
        return self.right <= self.left or self.bottom <= self.top

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left


def window_around(points: Vector, margin: float, shape: tuple[int, int]) -> Window:
    """The smallest window with `margin` pixels around `points` `(N, 2)`, cut to an image of (height, width)."""
    low = np.floor(points.min(axis=0) - margin).astype(int)
    high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    return Window(max(0, low[0]), max(0, low[1]), min(shape[1], high[0]), min(shape[0], high[1]))


def draw_appliance(arches: Sequence[Arch], window: Window, scale: float, wire_mm: float) -> FloatImage:
    """Optical thickness of brackets and wires over a window `(height, width)`.

    Args:
        arches: What to draw.
        window: Where.
        scale: Pixels per mm.
        wire_mm: Diameter of the arch wire.
    """
    steel = np.zeros(window.shape, np.float32)
    canvas = _Canvas(steel, np.array([window.left, window.top]), scale)
    for arch in arches:
        canvas.line(arch.wire, width_mm=wire_mm, depth_mm=wire_mm)
        for bracket in arch.brackets:
            _SHAPES[bracket.view](canvas, bracket)
    return np.asarray(STEEL_PER_MM * steel, dtype=np.float32)


def attenuate(image: Pixels, thickness: FloatImage, white: int, rng: np.random.Generator) -> Pixels:
    """Let the beam pass through more material: transmission times exp(−thickness), with the image's own grain kept.

    White is full attenuation, so that the transmission is what a grey value lacks to white. The metal hides the grain of
    the transmitted light and shows the detector's, which is estimated from the image.

    Args:
        image: `(height, width)`.
        thickness: Optical thickness, same shape, ≥ 0; where it is 0, nothing changes.
        white: The grey value of full attenuation.
        rng: For the grain.
    """
    transmission = 1.0 - image.astype(np.float32) / white
    passed = np.exp(-thickness)
    fine = transmission - cv2.GaussianBlur(transmission, (0, 0), 1.5)
    sd = 1.4826 * float(np.median(np.abs(fine)))
    grain = cv2.GaussianBlur(rng.standard_normal(image.shape, dtype=np.float32), (0, 0), 0.7) / 0.4
    changed = 1.0 - transmission * passed + sd * grain * np.sqrt(1.0 - passed**2)
    stored = np.rint(np.clip(changed, 0.0, 1.0) * white).astype(image.dtype)
    return np.where(thickness > 0, stored, image)


def distance_to_line(window: Window, line: Vector) -> FloatImage:
    """Each pixel's distance to a polyline `(N, 2)`, in pixels, over a window."""
    rows, columns = np.mgrid[window.top : window.bottom, window.left : window.right].astype(np.float32)
    nearest = np.full(window.shape, np.inf, np.float32)
    for start, end in itertools.pairwise(line):
        step = end - start
        length = max(float(step @ step), 1e-9)
        along = np.clip(((columns - start[0]) * step[0] + (rows - start[1]) * step[1]) / length, 0.0, 1.0)
        np.minimum(nearest, np.hypot(columns - start[0] - along * step[0], rows - start[1] - along * step[1]), out=nearest)
    return nearest


@dataclass(frozen=True)
class _Canvas:
    """Adds the steel of simple shapes, in mm of path length, to an image."""

    steel: FloatImage
    origin: NDArray[np.int_]
    scale: float

    def polygon(self, corners: Vector, depth_mm: float) -> None:
        """A prism seen along its axis; corners `(N, 2)` in image pixels."""
        cover = np.zeros(self.steel.shape, np.uint8)
        cv2.fillPoly(cover, [self._fixed(corners)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        self._add(cover, depth_mm)

    def line(self, points: Vector, width_mm: float, depth_mm: float) -> None:
        """A round wire along a polyline."""
        width = width_mm * self.scale
        cover = np.zeros(self.steel.shape, np.uint8)
        cv2.polylines(cover, [self._fixed(points)], False, 255, max(1, round(width)), cv2.LINE_AA, _SUBPIXEL_BITS)
        self._add(cover, depth_mm * min(1.0, width))

    def box(self, bracket: Bracket, at_mm: tuple[float, float], size_mm: tuple[float, float], depth_mm: float) -> None:
        """A rectangle in a bracket's own axes: centre and size (along the wire, towards the root)."""
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
        local = np.asarray(at_mm) + signs * np.asarray(size_mm)
        axes = np.stack([bracket.along, bracket.gingival])
        self.polygon(bracket.centre + self.scale * local @ axes, depth_mm)

    def _fixed(self, points: Vector) -> NDArray[np.int32]:
        return np.rint((points - self.origin) * (1 << _SUBPIXEL_BITS)).astype(np.int32)

    def _add(self, cover: NDArray[np.uint8], depth_mm: float) -> None:
        np.add(self.steel, cover.astype(np.float32) * (depth_mm / 255), out=self.steel)


def _draw_tube(canvas: _Canvas, bracket: Bracket) -> None:
    """A molar tube: base, tube and hook."""
    canvas.box(bracket, (0.0, 0.0), (bracket.width_mm, 2.9), depth_mm=0.4)
    canvas.box(bracket, (0.0, 0.0), (bracket.width_mm - 0.4, 1.7), depth_mm=1.1)
    canvas.box(bracket, (-bracket.width_mm / 2 + 0.6, 1.4), (0.6, 1.0), depth_mm=0.8)


def _draw_twin(canvas: _Canvas, bracket: Bracket) -> None:
    """A twin bracket from the front: base, four wings, and the slot between them."""
    canvas.box(bracket, (0.0, 0.0), (bracket.width_mm, 3.1), depth_mm=0.5)
    wing = bracket.width_mm * 0.34
    for side in (-1, 1):
        for level in (-1, 1):
            at = (side * (bracket.width_mm - wing) / 2, level * 0.9)
            canvas.box(bracket, at, (wing, 1.2), depth_mm=1.3)


def _draw_profile(canvas: _Canvas, bracket: Bracket) -> None:
    """An incisor's bracket in profile: base on the labial surface, and the two wings in front of it."""
    back = -bracket.width_mm / 2
    canvas.box(bracket, (back + 0.25, 0.0), (0.5, 2.7), depth_mm=2.0)
    for level in (-1, 1):
        canvas.box(bracket, (0.2, level * 0.8), (bracket.width_mm - 0.5, 0.95), depth_mm=1.7)
    canvas.box(bracket, (back + 0.6, 0.0), (0.6, 1.2), depth_mm=1.7)


_SHAPES = {"tube": _draw_tube, "twin": _draw_twin, "profile": _draw_profile}

"""Metal in a radiograph: length of the beam's path in the metal, and its effect on grey values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.augmentation.appliance import Block, Part, Rod
from ceph_pipeline.augmentation.beam import Beam, Vector
from ceph_pipeline.augmentation.transforms import Pixels

FloatImage = NDArray[np.float32]

GRAIN_LEFT = 0.35
"""Grain under opaque metal relative to grain over bone, since grain depends on exposure. Measured on 23 films with braces."""

_CELLS = 3
"""Factor by which the grid for drawing metal is finer than the pixels."""

_SUBCELL_BITS = 4


@dataclass(frozen=True)
class Window:
    """A part of an image: columns left..right−1 and rows top..bottom−1."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def is_empty(self) -> bool:
        """Whether the window is outside the image."""
        return self.right <= self.left or self.bottom <= self.top

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing the image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def window_around(points: Vector, margin: float, shape: tuple[int, ...]) -> Window:
    """The smallest window with `margin` pixels around `points` `(N, 2)`, clipped to an image of (height, width)."""
    low = np.floor(points.min(axis=0) - margin).astype(int)
    high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    return Window(max(0, low[0]), max(0, low[1]), min(shape[1], high[0]), min(shape[0], high[1]))


def transmission(parts: Iterable[Part], beam: Beam, window: Window, steel_per_mm: float, blur_mm: float) -> FloatImage:
    """Share of the beam that passes the metal, over a window `(height, width)`; 1 without metal.

    Args:
        parts: The metal parts.
        beam: Projection onto the film.
        window: Window to compute.
        steel_per_mm: Linear attenuation, per mm.
        blur_mm: Standard deviation of the blur by focal spot and detector, which is applied to the transmission.
    """
    canvas = _Canvas(window, beam)
    for part in parts:
        if isinstance(part, Block):
            canvas.add_block(part)
        else:
            canvas.add_rod(part)
    passed = cv2.exp(canvas.steel * np.float32(-steel_per_mm))
    pixels = cv2.resize(passed, (window.shape[1], window.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(0.4, blur_mm * beam.scale)))


def attenuate(image: Pixels, passed: FloatImage, white: float, peak: float) -> Pixels:
    """Apply additional attenuation: the difference between white and each grey value is multiplied by the transmission.

    The film's grain is preserved and reduced, as under real metal. No pixel becomes darker.

    Args:
        image: `(height, width)`.
        passed: Transmission, same shape, 0 to 1; pixels with 1 do not change.
        white: The grey value of full attenuation, see `densest`.
        peak: The brightest grey value of the whole image, the upper limit of the result.
    """
    grey = image.astype(np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    grain = grey - smooth
    lacking = np.maximum(white - smooth, 0.0)
    changed = smooth + lacking * (1.0 - passed) + grain * (GRAIN_LEFT + (1.0 - GRAIN_LEFT) * passed)
    stored = np.rint(np.minimum(changed, peak)).astype(image.dtype)
    return np.where(passed < 1.0, np.maximum(stored, image), image)


def densest(image: Pixels, landmarks: Vector) -> float:
    """The grey value at which metal saturates: the brightest grey value of the skull, without hot pixels.

    The film's blank border and burned-in marks are brighter than the skull. On films of real braces, metal is within a few grey
    levels of the 99.9th percentile around the landmarks, which is 0.82 to 1.0 of the border's white.
    """
    window = window_around(landmarks, 0.1 * float(np.ptp(landmarks, axis=0).max()), image.shape)
    inside = image if window.is_empty else image[window.slices]
    step = max(1, min(inside.shape) // 256)
    return float(np.percentile(inside[::step, ::step], 99.9))


def distance_to_line(window: Window, line: Vector) -> FloatImage:
    """Distance of each pixel of a window to a polyline `(N, 2)`, in pixels."""
    rows = np.arange(window.top, window.bottom, dtype=np.float32)[:, None]
    columns = np.arange(window.left, window.right, dtype=np.float32)[None, :]
    nearest = np.full(window.shape, np.inf, np.float32)
    for start, end in itertools.pairwise(line.astype(np.float32)):
        step = end - start
        length = max(float(step @ step), 1e-9)
        along = np.clip(((columns - start[0]) * step[0] + (rows - start[1]) * step[1]) / np.float32(length), 0.0, 1.0)
        np.minimum(nearest, (columns - start[0] - along * step[0]) ** 2 + (rows - start[1] - along * step[1]) ** 2, out=nearest)
    return np.asarray(np.sqrt(nearest))


class _Canvas:
    """Accumulates the beam's path length in metal, in mm, on a grid of cells finer than the pixels.

    The volume of each piece is distributed evenly over its shadow, even if the shadow covers only few cells.
    """

    def __init__(self, window: Window, beam: Beam) -> None:
        self.steel: FloatImage = np.zeros((window.shape[0] * _CELLS, window.shape[1] * _CELLS), np.float32)
        self._beam = beam
        self._corner = np.array([window.left, window.top]) - 0.5
        self._cell_mm = 1.0 / (beam.scale * _CELLS)

    def add_block(self, block: Block) -> None:
        shadow = self._cells(block.corners)
        low, cover = self._blank(shadow, margin=1)
        cv2.fillConvexPoly(cover, cv2.convexHull(_fixed(shadow - low)), 1, cv2.LINE_8, _SUBCELL_BITS)
        self._spread(low, cover, block.volume_mm3)

    def add_rod(self, rod: Rod) -> None:
        width = max(1, round(rod.height_mm / self._cell_mm))
        shadow = self._cells(rod.points)
        low, cover = self._blank(shadow, margin=width)
        cv2.polylines(cover, [_fixed(shadow - low)], False, 1, width, cv2.LINE_8, _SUBCELL_BITS)
        length = float(np.linalg.norm(np.diff(rod.points, axis=0), axis=1).sum())
        self._spread(low, cover, length * rod.section_mm2)

    def _cells(self, points: Vector) -> Vector:
        """Convert points in space to cells, with centres at integers."""
        return (self._beam.project(points) - self._corner) * _CELLS - 0.5

    def _blank(self, shadow: Vector, margin: int) -> tuple[NDArray[np.int_], NDArray[np.uint8]]:
        """An array of zeros for drawing a shadow, and its upper left cell."""
        low = np.floor(shadow.min(axis=0)).astype(int) - margin
        high = np.ceil(shadow.max(axis=0)).astype(int) + margin + 1
        return low, np.zeros((high - low)[::-1], np.uint8)

    def _spread(self, low: NDArray[np.int_], cover: NDArray[np.uint8], volume_mm3: float) -> None:
        area_mm2 = cv2.countNonZero(cover) * self._cell_mm**2
        start = np.maximum(low, 0)
        stop = np.minimum(low + cover.shape[::-1], self.steel.shape[::-1])
        if (start < stop).all():
            (left, top), (right, bottom) = start - low, stop - low
            patch = self.steel[start[1] : stop[1], start[0] : stop[0]]
            patch += cover[top:bottom, left:right] * np.float32(volume_mm3 / area_mm2)


def _fixed(points: Vector) -> NDArray[np.int32]:
    return np.rint(points * (1 << _SUBCELL_BITS)).astype(np.int32)

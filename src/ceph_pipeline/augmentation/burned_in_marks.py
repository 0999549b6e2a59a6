"""A kind that draws lead letters, numbers and scales on an image and moves no points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.kinds import ORDERED, DrawnKind, PositiveRange, ShareRange, Source, register
from ceph_pipeline.augmentation.transforms import Transform, full_scale, to_depth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.augmentation.transforms import Pixels

    Mask = NDArray[np.uint8]
    """Coverage by lead, 0–255, with smooth edges."""

Centimetres = Annotated[int, Field(ge=1, le=50)]

CLEARANCE_MM = 6.0
"""Least distance of landmarks from a mark."""

FROM_BORDER_MM = 3.0
"""Distance of marks from the image's border."""

PLACES = 12
"""Number of positions tried for a mark; if none is free, the mark is left out."""

PENUMBRA_MM = 0.15
"""Standard deviation of the blur of the lead's edges."""


@register("burned_in_marks")
class BurnedInMarks(DrawnKind):
    """Lead marks on the cassette (side marker, running number, scale), in dark places near the border, away from landmarks.

    Attributes:
        marks: The marks to draw.
        height_mm: Range of the letters' height.
        scale_cm: Range of the scale's length; the scale has a long stroke every centimetre, with short strokes between.
        opacity: Range of the marks' opacity: 0 is invisible, 1 is white.
    """

    marks: tuple[Literal["side", "number", "scale"], ...] = Field(("side", "scale"), min_length=1)
    height_mm: PositiveRange = (7.0, 11.0)
    scale_cm: Annotated[tuple[Centimetres, Centimetres], ORDERED] = (3, 8)
    opacity: ShareRange = (0.80, 0.97)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the content and positions of the marks."""
        del copy
        seed = int(rng.integers(2**32))
        return Transform(lambda image: self._burn_in(image, source, np.random.default_rng(seed)))

    def _burn_in(self, image: Pixels, source: Source, rng: np.random.Generator) -> Pixels:
        marked: Pixels = np.array(image)
        white, opacity = full_scale(image), float(rng.uniform(*self.opacity))
        taken = np.array(list(source.landmarks.values())).reshape(-1, 2)
        for mark in self.marks:
            mask = self._draw(mark, source.pixels_per_mm, rng)
            place = free_place(image, mask, source, taken, rng)
            if place is None:
                continue
            left, top = place
            under = marked[top : top + mask.shape[0], left : left + mask.shape[1]]
            under[:] = to_depth(under + (white - under.astype(np.float32)) * (opacity / 255) * mask, white, image.dtype)
            taken = np.concatenate([taken, outline(mask, place)])
        return marked

    def _draw(self, mark: str, pixels_per_mm: float, rng: np.random.Generator) -> Mask:
        if mark == "scale":
            centimetres = int(rng.integers(self.scale_cm[0], self.scale_cm[1] + 1))
            scale = draw_scale(centimetres, pixels_per_mm)
            return scale if rng.random() < 0.7 else np.ascontiguousarray(scale.T)
        text = str(rng.choice(("L", "R"))) if mark == "side" else "".join(map(str, rng.integers(1, 10, 4)))
        return draw_text(text, float(rng.uniform(*self.height_mm)), pixels_per_mm)


def draw_text(text: str, height_mm: float, pixels_per_mm: float) -> Mask:
    """Upright bold letters."""
    import cv2  # imported here, because reading a recipe does not require it

    height = max(5, round(height_mm * pixels_per_mm))
    margin = max(2, round(0.15 * height))
    canvas = np.zeros((height + 2 * margin, len(text) * height + 2 * margin), np.uint8)
    size = round(height / 0.75)  # capitals are three quarters of the size high
    cv2.putText(canvas, text, (margin, margin + height), (255,), cv2.FontFace("sans"), size, 700)
    return _soften(canvas, pixels_per_mm)


def draw_scale(centimetres: int, pixels_per_mm: float) -> Mask:
    """A vertical line with a long stroke every centimetre and a short stroke between."""
    margin, thick = max(2, round(pixels_per_mm)), max(1, round(0.6 * pixels_per_mm))
    canvas = np.zeros(
        (round(10 * centimetres * pixels_per_mm) + 2 * margin + thick, round(5 * pixels_per_mm) + 2 * margin), np.uint8
    )
    canvas[margin : canvas.shape[0] - margin, margin : margin + thick] = 255
    for half in range(2 * centimetres + 1):
        top, length = margin + round(5 * half * pixels_per_mm), (2.5 if half % 2 else 5) * pixels_per_mm
        canvas[top : top + thick, margin : margin + round(length)] = 255
    return _soften(canvas, pixels_per_mm)


def _soften(mask: Mask, pixels_per_mm: float) -> Mask:
    import cv2

    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.4, PENUMBRA_MM * pixels_per_mm)), np.uint8)


def free_place(
    image: Pixels, mask: Mask, source: Source, taken: NDArray[np.float64], rng: np.random.Generator
) -> tuple[int, int] | None:
    """The darkest of several random positions (left, top) along the border away from points `(N, 2)`, or None."""
    border, clearance = round(FROM_BORDER_MM * source.pixels_per_mm), CLEARANCE_MM * source.pixels_per_mm
    height, width = mask.shape
    room = np.array([source.size[0] - width, source.size[1] - height]) - 2 * border
    if (room < 0).any():
        return None
    free = {}
    for _ in range(PLACES):
        place = rng.integers(0, room + 1)
        across = int(width > height)  # wide marks are placed along the top or the bottom, tall marks along a side
        place[across] = rng.choice((0, room[across]))
        left, top = (int(v) for v in place + border)
        gap = np.maximum(np.maximum((left, top) - taken, taken - (left + width, top + height)), 0)
        if not len(taken) or np.hypot(*gap.T).min() >= clearance:
            free[left, top] = float(image[top : top + height : 4, left : left + width : 4].mean())
    return min(free, key=free.__getitem__) if free else None


def outline(mask: Mask, place: tuple[int, int]) -> NDArray[np.float64]:
    """Points `(4 n, 2)` around a placed mark, from which further marks keep their distance."""
    steps = np.linspace(0, 1, 9)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    around = np.concatenate([a + (b - a) * steps[:, None] for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)])
    return np.asarray(place + around * mask.shape[::-1], np.float64)

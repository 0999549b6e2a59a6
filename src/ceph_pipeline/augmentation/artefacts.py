"""Kinds that add artefacts of X-ray apparatus to an image and move no points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from ceph_pipeline.augmentation.kinds import (
    ORDERED,
    DrawnKind,
    NonNegativeRange,
    PositiveRange,
    ShareRange,
    Source,
    register,
)
from ceph_pipeline.augmentation.transforms import Transform, full_scale, to_depth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.augmentation.transforms import Pixels

Streaks = Annotated[int, Field(ge=0, le=1000)]
Sides = Annotated[int, Field(ge=0, le=4)]
Tilt = Annotated[float, Field(ge=-45, le=45)]

CLEARANCE_MM = 3.0
"""Least distance of landmarks from a collimator's edge."""


@register("scatter")
class Scatter(DrawnKind):
    """Scattered radiation: part of the image is replaced by a veil, the strongly blurred image itself, which reduces contrast.

    Attributes:
        share: Range of the veil's share in the image.
        spread_mm: Standard deviation of the veil's blur.
    """

    share: ShareRange = (0.15, 0.45)
    spread_mm: float = Field(18.0, gt=0)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the share."""
        del copy
        share, sigma = float(rng.uniform(*self.share)), self.spread_mm * source.pixels_per_mm
        return Transform(lambda image: veil(image, share, sigma))


def veil(image: Pixels, share: float, sigma_px: float) -> Pixels:
    """Mix an image with its blurred version."""
    import cv2

    step = max(1.0, sigma_px / 4)  # the smooth veil has no details, so it is computed at a fraction of the size
    size = (max(1, round(image.shape[1] / step)), max(1, round(image.shape[0] / step)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma_px / step, borderType=cv2.BORDER_REPLICATE)
    wide = cv2.resize(blurred, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    mixed = cv2.addWeighted(image.astype(np.float32), 1 - share, wide, share, 0)
    return to_depth(mixed, full_scale(image), image.dtype)


@register("scanner_lines")
class ScannerLines(DrawnKind):
    """Streaks of dust or dead elements along a scan, and faint bands of elements with different sensitivity.

    Attributes:
        lines: Range of the number of streaks.
        contrast: Range of a streak's contrast, brighter or darker, as a fraction of the full scale.
        width_mm: Range of a streak's width.
        banding: Range of the bands' standard deviation as a fraction of the full scale.
    """

    lines: Annotated[tuple[Streaks, Streaks], ORDERED] = (2, 6)
    contrast: ShareRange = (0.04, 0.12)
    width_mm: NonNegativeRange = (0.15, 0.4)
    banding: ShareRange = (0.001, 0.004)

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the streaks, which are vertical or horizontal."""
        del copy
        axis = int(rng.integers(2))
        profile = self._profile(source.size[axis], source.pixels_per_mm, rng)
        return Transform(lambda image: add_profile(image, profile if axis == 0 else profile[:, None]))

    def _profile(self, length: int, pixels_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """The value added at each position across the scan, as a fraction of the full scale."""
        position = np.arange(length)
        profile = rng.normal(0, rng.uniform(*self.banding), length)
        for _ in range(int(rng.integers(self.lines[0], self.lines[1] + 1))):
            half = max(0.5, float(rng.uniform(*self.width_mm)) * pixels_per_mm / 2)
            covered = np.clip(half + 0.5 - np.abs(position - rng.uniform(0, length - 1)), 0, 1)
            profile += covered * rng.uniform(*self.contrast) * rng.choice((-1, 1))
        return profile.astype(np.float32)


def add_profile(image: Pixels, profile: NDArray[np.float32]) -> Pixels:
    """Add a profile, in fractions of the full scale, that depends only on the column or only on the row."""
    white = full_scale(image)
    return to_depth(image.astype(np.float32) + profile * np.float32(white), white, image.dtype)


@register("collimator")
class Collimator(DrawnKind):
    """Slightly oblique edges of the collimator, with the penumbra of the focal spot; no landmark is covered.

    The area outside the beam is white (clear film) or black (blackened by software).

    Attributes:
        edges: Range of the number of sides with an edge.
        depth: Range of an edge's distance from its side, as a fraction of the image's size across it.
        tilt_deg: Range of an edge's tilt.
        penumbra_mm: Range of the width over which the beam fades.
        shade: Shade of the covered part; `either`: white or black, at random.
    """

    edges: Annotated[tuple[Sides, Sides], ORDERED] = (1, 3)
    depth: ShareRange = (0.015, 0.06)
    tilt_deg: Annotated[tuple[Tilt, Tilt], ORDERED] = (-1.0, 1.0)
    penumbra_mm: PositiveRange = (0.4, 1.5)
    shade: Literal["white", "black", "either"] = "either"

    def change(self, source: Source, copy: int, rng: np.random.Generator) -> Transform:
        """Draw the edges."""
        del copy
        sides = rng.permutation(4)[: int(rng.integers(self.edges[0], self.edges[1] + 1))].tolist()
        edges = [self._edge(source, side, rng) for side in sides]
        white = rng.random() < 0.5 if self.shade == "either" else self.shade == "white"
        grey = float(rng.uniform(0.93, 1.0) if white else rng.uniform(0.0, 0.04))
        return Transform(lambda image: cover(image, edges, grey))

    def _edge(self, source: Source, side: int, rng: np.random.Generator) -> Edge:
        slope = math.tan(math.radians(rng.uniform(*self.tilt_deg)))
        across = source.size[side % 2]
        depth, penumbra = rng.uniform(*self.depth) * across, rng.uniform(*self.penumbra_mm) * source.pixels_per_mm
        points = np.array(list(source.landmarks.values())).reshape(-1, 2)
        if len(points):
            from_side = points[:, side % 2] if side < 2 else across - 1 - points[:, side % 2]
            room = from_side - slope * (points[:, 1 - side % 2] - source.size[1 - side % 2] / 2)
            depth = min(depth, float(room.min()) - CLEARANCE_MM * source.pixels_per_mm - penumbra)
        return Edge(side, depth, slope, penumbra)


@dataclass(frozen=True)
class Edge:
    """One edge of a collimator.

    Attributes:
        side: 0 left, 1 top, 2 right, 3 bottom.
        depth: Distance, at the side's middle, from the side to the line of half transmission, in pixels; below 0 there is no
            edge.
        slope: Increase of the depth per pixel along the side.
        penumbra: Width over which the beam fades, in pixels.
    """

    side: int
    depth: float
    slope: float
    penumbra: float


def cover(image: Pixels, edges: list[Edge], grey: float) -> Pixels:
    """Fill the area outside the beam with a grey level, given as a fraction of the full scale."""
    white = full_scale(image)
    covered: Pixels = np.array(image)
    for edge in edges:
        upright = covered.T if edge.side % 2 else covered
        from_side = upright[:, ::-1] if edge.side >= 2 else upright  # a view in which the side is on the left
        along = np.arange(from_side.shape[0], dtype=np.float32)[:, None] - from_side.shape[0] / 2
        reach = math.ceil(edge.depth + abs(edge.slope) * from_side.shape[0] / 2 + edge.penumbra)
        strip = from_side[:, : max(reach, 0)]
        distance = np.arange(strip.shape[1], dtype=np.float32) - (edge.depth + edge.slope * along)
        share = np.clip(distance / edge.penumbra + 0.5, 0, 1)
        passing = share * share * (3 - 2 * share) if edge.depth > 0 else np.ones_like(share)
        strip[:] = to_depth(grey * white + (strip - grey * white) * passing, white, image.dtype)
    return covered

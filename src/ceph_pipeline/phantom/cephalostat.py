"""The cephalostat's ear rods, and the nasal ruler with its two marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.phantom.params import VariationParams

RULER_MM = 10.0
"""True distance from p1 to p2."""

RULER_HALF_WIDTH_MM = 3.2

_RULER_PLACE = (0.786, 0.054)
"""Usual position of p2 in the Aariz data set, as a fraction of width and height."""


@dataclass(frozen=True)
class EarRods:
    """Positions of both rods, (forward, up) from the middle of the ear canal in mm of an average skull, and their brightness."""

    near: tuple[float, float]
    far: tuple[float, float]
    strength: float

    @classmethod
    def sample(cls, rng: np.random.Generator, clutter: float) -> EarRods:
        """Draw the rods, each a few millimetres from the bony canal in a random direction."""
        near, far = np.array([[0.0, -1.0], [-1.0, -1.5]]) + 1.3 * np.clip(rng.standard_normal((2, 2)), -2, 2)
        strength = clutter * float(rng.uniform(0.4, 1.2))
        return cls((float(near[0]), float(near[1])), (float(far[0]), float(far[1])), strength)


@dataclass(frozen=True)
class Ruler:
    """The nasal ruler.

    Attributes:
        p1: Lower mark, (x, y) in mm.
        p2: Upper mark, `RULER_MM` away.
        strength: Attenuation relative to a usual ruler.
    """

    p1: NDArray[np.float64]
    p2: NDArray[np.float64]
    strength: float = 1.0


@dataclass(frozen=True)
class RulerVariant:
    """The variant of the ruler on a film."""

    absent: bool
    cropped: bool
    strength: float
    tilt: float

    @classmethod
    def sample(cls, rng: np.random.Generator, variation: VariationParams) -> RulerVariant:
        """Draw a variant; `tilt` is −1 to 1 of the greatest rotation. Every variant uses the same number of random numbers."""
        absent, cropped, faint, share, tilt = rng.uniform(size=5)
        return cls(
            absent=bool(absent < variation.ruler_absent_share),
            cropped=bool(cropped < variation.ruler_cropped_share),
            strength=0.25 + 0.25 * float(share) if faint < variation.ruler_faint_share else 1.0,
            tilt=2 * float(tilt) - 1,
        )


def place_ruler(
    variant: RulerVariant,
    skin: NDArray[np.float64],
    extent: NDArray[np.float64],
    border_mm: float,
    tilt_deg: float,
    rng: np.random.Generator,
) -> Ruler | None:
    """A ruler in front of the forehead, with both marks inside the image; None for a film without a ruler.

    Args:
        variant: Variant of the ruler.
        skin: `(P, 2)` outline of face and neck, in mm from the image's corner; the result has the same coordinates.
        extent: (width, height) of the image in mm.
        border_mm: Width of the device's opaque frame.
        tilt_deg: The greatest rotation.
        rng: Random generator for the position.
    """
    place = (np.array(_RULER_PLACE) + 0.02 * np.clip(rng.standard_normal(2), -2, 2)) * extent
    cut = float(rng.uniform(0.8, 2.4))
    if variant.absent:
        return None
    lean = np.radians(tilt_deg * variant.tilt)
    y = float(np.clip(place[1], 5.0, 30.0))
    level = skin[(skin[:, 1] > 0) & (skin[:, 1] < y + RULER_MM + 24), 0]
    if variant.cropped:
        x = extent[0] - border_mm - cut - max(0.0, RULER_MM * np.sin(lean))
    else:
        x = float(np.clip(max(place[0], level.max(initial=0.0) + 11.0), 8.0, extent[0] - 9.0))
    p2 = np.array([x, y])
    return Ruler(p2 + RULER_MM * np.array([np.sin(lean), np.cos(lean)]), p2, variant.strength)

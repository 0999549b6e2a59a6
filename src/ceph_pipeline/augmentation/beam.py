"""Projection of dental arches onto the film: sagittal plane, central ray, and posture of the skull."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.augmentation.kinds import Source
from ceph_pipeline.landmarks import find

Vector = NDArray[np.float64]

SELLA_NASION_MM = 72.0
"""S-N length of the mean adult of the phantoms' shape model, in mm; used if no plausible pixel size is known."""

PLAUSIBLE_SELLA_NASION_MM = (55.0, 85.0)
"""Plausible range of the S-N length; outside it, an image's pixel size is not used."""

FOCUS_MM = 1500.0
"""Distance from the tube's focus to the midsagittal plane."""

CENTRAL_RAY_MM = (-88.0, 45.0)
"""Intersection of the central ray, which passes through the ear rods, with this plane: (forwards, up) from the incisal edges."""


def pixels_per_mm(source: Source) -> float | None:
    """Scale of the film: from the pixel size if it gives a plausible S-N length, otherwise from an S-N length of 72 mm.

    Returns:
        None if neither a pixel size nor Sella and Nasion are known.
    """
    points = [source.landmarks.get(find(symbol).name) for symbol in ("S", "N")]
    known = 1.0 / source.pixel_size_mm if source.pixel_size_mm else None
    if points[0] is None or points[1] is None:
        return known
    length = float(np.linalg.norm(np.subtract(points[1], points[0])))
    low, high = PLAUSIBLE_SELLA_NASION_MM
    return known if known and low <= length / known <= high else length / SELLA_NASION_MM


@dataclass(frozen=True)
class Beam:
    """Projection of the mouth onto the film.

    Coordinates in space are (forwards, up, towards the tube) in mm, from the midpoint of the incisal edges. Points in the
    midsagittal plane are projected exactly onto their landmarks. The two halves of an arch appear separately because of
    magnification and of the skull's posture.

    Attributes:
        origin: The midpoint of the incisal edges, in pixels.
        axes: `(2, 2)`, unit vectors of forwards and up in the image, as rows.
        scale: Pixels per mm.
        skew: Shift (forwards, up) of a point per mm towards the tube, because of the skull's rotation and tilt.
    """

    origin: Vector
    axes: Vector
    scale: float
    skew: Vector

    @classmethod
    def through(cls, landmarks: Mapping[str, tuple[float, float]], scale: float, turn_deg: float, tilt_deg: float) -> Beam:
        """The beam of one cephalogram.

        Args:
            landmarks: At least the eight dental ones, in pixels, by full name.
            scale: Pixels per mm.
            turn_deg: The skull's rotation about its vertical axis.
            tilt_deg: The skull's sideways tilt, which shows the teeth of one side higher than those of the other.
        """
        umt, uit, uia, lmt, lit, lia = (np.array(landmarks[find(s).name]) for s in ("UMT", "UIT", "UIA", "LMT", "LIT", "LIA"))
        forwards = unit(uit - umt + lit - lmt)
        up = perpendicular(forwards, uia - lia)
        return cls((uit + lit) / 2, np.stack([forwards, up]), scale, np.tan(np.radians([turn_deg, tilt_deg])))

    def project(self, points: Vector) -> Vector:
        """Project points in space `(..., 3)`, mm, onto the film `(..., 2)`, pixels."""
        plane, towards_tube = points[..., :2], points[..., 2:]
        magnified = towards_tube / FOCUS_MM * (plane - np.array(CENTRAL_RAY_MM))
        return np.asarray(self.origin + self.scale * (plane + magnified + towards_tube * self.skew) @ self.axes)

    def sagittal(self, point: tuple[float, float]) -> Vector:
        """(forwards, up) in mm of a landmark in pixels."""
        return np.asarray(self.axes @ (np.asarray(point) - self.origin) / self.scale)


def unit(vector: Vector) -> Vector:
    """A vector's direction; zero stays zero."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def perpendicular(direction: Vector, side: Vector) -> Vector:
    """The unit vector `(2,)` at right angles to `direction` that points to the side of `side`."""
    across = np.array([-direction[1], direction[0]])
    return unit(across if across @ side >= 0 else -across)

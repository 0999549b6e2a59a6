"""A face as measurements see it: points by symbol, and which way is forward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ceph_pipeline.cephalometry.plane import Vector, distance
from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.landmarks import find

_MISSING = np.array([math.nan, math.nan])


@dataclass(frozen=True)
class Face:
    """Landmarks of one cephalogram.

    Attributes:
        points: By symbol, in pixels; finite or absent.
        pixel_size_mm: NaN where unknown, which makes every millimetre NaN.
    """

    points: Mapping[str, Vector]
    pixel_size_mm: float

    @classmethod
    def from_landmarks(cls, landmarks: Mapping[str, tuple[float, float]], pixel_size_mm: float | None) -> Face:
        """Take landmarks by full name or symbol; those with a coordinate that is not finite count as missing.

        Raises:
            UnknownLandmarkError: a key is no landmark.
            ValueError: one landmark under two keys, a point without two coordinates, or a pixel size that is not above 0.
        """
        points: dict[str, Vector] = {}
        for key, point in landmarks.items():
            symbol, xy = find(key).symbol, np.asarray(point, dtype=np.float64)
            if symbol in points:
                raise InvalidValueError(f"landmark {symbol!r} is given twice, as symbol and as name.")
            if xy.shape != (2,):
                raise InvalidValueError(f"landmark {key!r}: expected (x, y), found shape {xy.shape}.")
            points[symbol] = xy if np.isfinite(xy).all() else _MISSING
        size = math.nan if pixel_size_mm is None else float(pixel_size_mm)
        if size <= 0 or math.isinf(size):
            raise InvalidValueError(f"pixel_size_mm = {size}: expected millimetres per pixel above 0, or NaN where unknown.")
        return cls(points, size)

    def __getitem__(self, symbol: str) -> Vector:
        return self.points.get(symbol, _MISSING)

    def direction(self, start: str, end: str) -> Vector:
        """The vector from one point to another, in pixels."""
        return self[end] - self[start]

    def line(self, a: str, b: str) -> tuple[Vector, Vector]:
        """A line through two points."""
        return self[a], self[b]

    def mm(self, a: str, b: str) -> float:
        """Distance of two points in millimetres."""
        return distance(self[a], self[b]) * self.pixel_size_mm

    @property
    def anterior(self) -> Vector:
        """Forward: from Porion to Orbitale, or from Sella to Nasion where one of those is missing."""
        frankfort = self.direction("Po", "Or")
        return frankfort if np.isfinite(frankfort).all() else self.direction("S", "N")

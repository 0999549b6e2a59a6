"""A person's landmarks in millimetres, and positions relative to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
"""(x, y) in millimetres, y down."""


@dataclass(frozen=True)
class Build:
    """Individual differences other than landmarks, as factors around 1."""

    vault_height: float
    vault_length: float
    brow: float
    soft_tissue: float
    bone: float
    neck: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Build:
        """Draw one individual."""
        factors = 1 + np.clip(rng.standard_normal(6), -2, 2) * (0.04, 0.03, 0.3, 0.08, 0.1, 0.06)
        return cls(*map(float, factors))


@dataclass(frozen=True)
class Pose:
    """Positioning of a face, which determines how far its left and right sides are apart on the film.

    Attributes:
        yaw: Rotation about the vertical axis in radians, which separates the sides horizontally.
        roll: Rotation about the antero-posterior axis in radians, which separates the sides vertically.
        divergence_per_mm: Magnification per millimetre towards the X-ray tube, whose central ray passes through the ear rods.
    """

    yaw: float = 0.0
    roll: float = 0.0
    divergence_per_mm: float = 0.0

    @classmethod
    def sample(cls, rng: np.random.Generator, asymmetry: float) -> Pose:
        """Draw one positioning; with `asymmetry` 0 both sides coincide, and 1 is the usual amount."""
        yaw, roll = asymmetry * _ROTATION_SD * np.clip(rng.standard_normal(2), -2, 2)
        return cls(float(yaw), float(roll), asymmetry / _TUBE_DISTANCE_MM)


_ROTATION_SD = np.radians(1.0)

_TUBE_DISTANCE_MM = 1500.0
"""Distance from the X-ray tube to the midsagittal plane."""

_HALF_WIDTH_MM = {"Or": 30.0, "Po": 55.0, "Co": 50.0, "Ar": 48.0, "R": 46.0, "Go": 44.0}
"""Landmarks of paired structures, and the distance of either side from the midsagittal plane."""


@dataclass(frozen=True)
class PhantomFace:
    """Landmarks by symbol, oriented by the Frankfort horizontal.

    Landmarks on paired structures (`_HALF_WIDTH_MM`) are midway between the left and right sides, as in orthodontists'
    annotations of double contours.

    Attributes:
        points: (x, y) by symbol, in millimetres.
        build: Other properties of the individual.
        cvm_stage: Cervical vertebral maturation stage, 1 to 6.
    """

    points: Mapping[str, Point]
    build: Build
    cvm_stage: int
    pose: Pose = Pose()

    def side(self, sign: int) -> PhantomFace:
        """The face with the paired landmarks of one side: +1 the side nearer to the X-ray tube, −1 the other side.

        Both sides' landmarks have the same distance from the midway landmarks, in opposite directions. Landmarks of the midline
        do not move.
        """
        moved = dict(self.points)
        for symbol, half_width in _HALF_WIDTH_MM.items():
            turned = half_width * (self.pose.yaw * self.forward + self.pose.roll * self.up)
            enlarged = half_width * self.pose.divergence_per_mm * (self.points[symbol] - self.points["Po"])
            moved[symbol] = self.points[symbol] + sign * (turned + enlarged)
        return replace(self, points=moved)

    @property
    def forward(self) -> Point:
        """Unit vector from Porion to Orbitale."""
        axis = self.points["Or"] - self.points["Po"]
        return np.asarray(axis / np.linalg.norm(axis))

    @property
    def up(self) -> Point:
        """Unit vector perpendicular to the Frankfort horizontal, towards the vault."""
        return np.array([self.forward[1], -self.forward[0]])

    @property
    def scale(self) -> float:
        """Size of the skull relative to a skull with an S–N of 72 mm."""
        return float(np.linalg.norm(self.points["N"] - self.points["S"]) / 72.0)

    def __getitem__(self, symbol: str) -> Point:
        return self.points[symbol]

    def at(self, start: str | Point, forward: float, up: float) -> Point:
        """The point `forward` and `up` from a landmark or point, in millimetres of an average skull."""
        origin = self.points[start] if isinstance(start, str) else start
        return origin + self.scale * (forward * self.forward + up * self.up)

    def around(self, start: str | Point, offsets: Iterable[tuple[float, float]]) -> list[Point]:
        """Several points (forward, up) from one point; see `at`."""
        return [self.at(start, forward, up) for forward, up in offsets]

    def between(self, start: str, stop: str, fraction: float, right: float = 0.0) -> Point:
        """A point between two landmarks, at a fraction of the way, moved `right` millimetres to the right-hand side."""
        along = self.points[stop] - self.points[start]
        side: Point = np.array([-along[1], along[0]]) / np.linalg.norm(along)
        return np.asarray(self.points[start] + fraction * along + right * self.scale * side)

"""A person's landmarks in millimetres, and positions told relative to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
"""(x, y) in millimetres, y down."""


@dataclass(frozen=True)
class Build:
    """What individuals differ in beyond their landmarks, as factors around 1."""

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
    """How imperfectly the left and the right side of a face are superimposed.

    Attributes:
        yaw: Rotation about the vertical axis in radians: sides part forwards and backwards.
        roll: Rotation about the axis through the face in radians: sides part upwards and downwards.
        divergence_per_mm: Enlargement per millimetre towards the X-ray tube, whose central ray passes the ear rods.
    """

    yaw: float = 0.0
    roll: float = 0.0
    divergence_per_mm: float = 0.0

    @classmethod
    def sample(cls, rng: np.random.Generator, asymmetry: float) -> Pose:
        """Draw one positioning; `asymmetry` 0 superimposes both sides, 1 is usual."""
        yaw, roll = asymmetry * _ROTATION_SD * np.clip(rng.standard_normal(2), -2, 2)
        return cls(float(yaw), float(roll), asymmetry / _TUBE_DISTANCE_MM)


_ROTATION_SD = np.radians(1.0)

_TUBE_DISTANCE_MM = 1500.0
"""From the X-ray tube to the midsagittal plane."""

_HALF_WIDTH_MM = {"Or": 30.0, "Po": 55.0, "Co": 50.0, "Ar": 48.0, "R": 46.0, "Go": 44.0}
"""Landmarks of paired structures, and how far their sides lie from the midsagittal plane."""


@dataclass(frozen=True)
class PhantomFace:
    """Landmarks by symbol, oriented by the Frankfort horizontal.

    Landmarks on paired structures (`_HALF_WIDTH_MM`) lie midway between the left and the right side's, as orthodontists mark
    double contours.

    Attributes:
        points: (x, y) by symbol, in millimetres.
        build: What else belongs to the individual.
        cvm_stage: Cervical vertebral maturation stage, 1 to 6.
    """

    points: Mapping[str, Point]
    build: Build
    cvm_stage: int
    pose: Pose = Pose()

    def side(self, sign: int) -> PhantomFace:
        """The face whose paired landmarks are those of one side: +1 the one nearer to the X-ray tube, −1 the other.

        The sides' landmarks are equally far from the midway ones, in opposite directions; those of the midline stay.
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
        """Size of the skull relative to one whose S–N measures 72 mm."""
        return float(np.linalg.norm(self.points["N"] - self.points["S"]) / 72.0)

    def __getitem__(self, symbol: str) -> Point:
        return self.points[symbol]

    def at(self, start: str | Point, forward: float, up: float) -> Point:
        """The point that lies `forward` and `up` millimetres (of an average skull) from a landmark or another point."""
        origin = self.points[start] if isinstance(start, str) else start
        return origin + self.scale * (forward * self.forward + up * self.up)

    def around(self, start: str | Point, offsets: Iterable[tuple[float, float]]) -> list[Point]:
        """Several points that lie (forward, up) from one; see `at`."""
        return [self.at(start, forward, up) for forward, up in offsets]

    def between(self, start: str, stop: str, fraction: float, right: float = 0.0) -> Point:
        """A point on the way from one landmark to another, moved `right` millimetres to the right-hand side."""
        along = self.points[stop] - self.points[start]
        side: Point = np.array([-along[1], along[0]]) / np.linalg.norm(along)
        return np.asarray(self.points[start] + fraction * along + right * self.scale * side)

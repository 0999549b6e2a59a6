"""A person's landmarks in millimetres, and positions told relative to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
class Face:
    """Landmarks by symbol, oriented by the Frankfort horizontal.

    Attributes:
        points: (x, y) by symbol, in millimetres.
        build: What else belongs to the individual.
        cvm_stage: Cervical vertebral maturation stage, 1 to 6.
    """

    points: Mapping[str, Point]
    build: Build
    cvm_stage: int

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

    def at(self, symbol: str, forward: float, up: float) -> Point:
        """The point that lies `forward` and `up` millimetres (of an average skull) from a landmark."""
        return self.points[symbol] + self.scale * (forward * self.forward + up * self.up)

    def between(self, start: str, stop: str, fraction: float, right: float = 0.0) -> Point:
        """A point on the way from one landmark to another, moved `right` millimetres to the right-hand side."""
        along = self.points[stop] - self.points[start]
        side: Point = np.array([-along[1], along[0]]) / np.linalg.norm(along)
        return np.asarray(self.points[start] + fraction * along + right * self.scale * side)

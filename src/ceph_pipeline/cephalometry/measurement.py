"""Definition of a measurement: kind, points, unit, sign and convention."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ceph_pipeline.cephalometry.kinds import KINDS

Unit = Literal["deg", "mm", "%"]


@dataclass(frozen=True)
class Midpoint:
    """The midpoint of two landmarks."""

    a: str
    b: str

    def __str__(self) -> str:
        return f"mid({self.a}, {self.b})"


@dataclass(frozen=True)
class Foremost:
    """The more anterior of two landmarks, along FH."""

    a: str
    b: str

    def __str__(self) -> str:
        return f"the foremost of {self.a} and {self.b}"


Point = str | Midpoint | Foremost
"""A landmark's symbol, or a point made of two landmarks."""


@dataclass(frozen=True)
class Measurement:
    """One measurement.

    Attributes:
        key: Name in tables.
        name: Name in the literature.
        unit: Degrees, millimetres or percent.
        kind: One of `KINDS`, the functions from points to a value; `sum` for a sum of other measurements.
        points: Points of the kind, by symbol.
        sign: Meaning of a positive or larger value, if it needs an explanation.
        convention: The definition that is used, if programs differ, or the substitute.
        terms: Factors and keys of a `sum`.
        constant: Constant of a `sum`, in its unit.
    """

    key: str
    name: str
    unit: Unit
    kind: str
    points: tuple[Point, ...] = ()
    sign: str = ""
    convention: str = ""
    terms: tuple[tuple[float, str], ...] = ()
    constant: float = 0.0

    @cached_property
    def definition(self) -> str:
        """The measurement as a formula of points."""
        if self.kind != "sum":
            return KINDS[self.kind].wording.format(*self.points)
        text = " ".join(f"{'−' if factor < 0 else '+'} {key}" for factor, key in self.terms)
        return f"{self.constant:g}° {text}" if self.constant else text.removeprefix("+ ")


def symbols_of(point: Point) -> tuple[str, ...]:
    """The landmarks that a point consists of."""
    return (point,) if isinstance(point, str) else (point.a, point.b)

"""What a measurement is: its kind, the points it takes, its unit, its sign and the convention it follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ceph_pipeline.cephalometry.kinds import KINDS

Unit = Literal["deg", "mm", "%"]


@dataclass(frozen=True)
class Midpoint:
    """The point half-way between two landmarks."""

    a: str
    b: str

    def __str__(self) -> str:
        return f"mid({self.a}, {self.b})"


@dataclass(frozen=True)
class Foremost:
    """That of two landmarks which lies further in front, along FH."""

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
        key: Its name in every table.
        name: In the field's words.
        unit: Degrees, millimetres or percent.
        kind: One of `KINDS`, which says how points become a value; `sum` for a sum of other measurements.
        points: As many as the kind takes, by symbol.
        sign: What a positive or a larger value means, where that needs saying.
        convention: Which definition is meant, where programs differ or a substitute is used.
        terms: Of a `sum`: factors and keys.
        constant: Of a `sum`: what is added, in its unit.
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
    """The landmarks that a point is made of."""
    return (point,) if isinstance(point, str) else (point.a, point.b)

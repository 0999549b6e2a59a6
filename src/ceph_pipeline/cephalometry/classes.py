"""Rule-based classes of measurements: skeletal class, growth pattern, position of the incisors. Reports show the rule."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS
from ceph_pipeline.errors import did_you_mean


class ValueClasses(Params):
    """Classes of a value."""

    bounds: tuple[FiniteFloat, ...] = Field(
        min_length=1, description="ascending, in the measurement's unit; a bound is the upper limit of the class below it"
    )
    names: tuple[str, ...] = Field(description="names of the classes from the lowest values to the highest; one more than bounds")

    @model_validator(mode="after")
    def _one_more_name_than_bounds(self) -> Self:
        if any(low >= high for low, high in pairwise(self.bounds)):
            raise ValueError(f"bounds {list(self.bounds)} are not ascending")
        if len(self.names) != len(self.bounds) + 1:
            raise ValueError(f"{len(self.bounds)} bounds make {len(self.bounds) + 1} classes, got the names {list(self.names)}")
        return self

    def classify(self, value: float) -> str:
        """The class of a value; a value equal to a bound belongs to the lower class."""
        return self.names[bisect_left(self.bounds, value)]


def _known_measurement(key: str) -> str:
    if key not in MEASUREMENTS:
        raise ValueError(f"unknown measurement {key!r}.{did_you_mean(key, MEASUREMENTS, n=3)}")
    return key


MeasurementKey = Annotated[str, AfterValidator(_known_measurement)]
"""A key of `MEASUREMENTS`."""


class Criterion(ValueClasses):
    """Classes of one measurement."""

    measurement: MeasurementKey

    def __str__(self) -> str:
        unit = {"deg": "°", "mm": " mm", "%": " %"}[MEASUREMENTS[self.measurement].unit]
        steps = [f"{name} up to {bound:g}{unit}" for name, bound in zip(self.names, self.bounds, strict=False)]
        return f"{self.measurement}: {', '.join(steps)}, {self.names[-1]} above"


class Rule(Params):
    """A class from one measurement, and its agreement with other measurements."""

    decides: Criterion
    confirms: tuple[Criterion, ...] = Field((), description="measurements whose class is compared; they do not change the class")

    @model_validator(mode="after")
    def _the_same_classes(self) -> Rule:
        for criterion in self.confirms:
            if set(criterion.names) - set(self.decides.names):
                raise ValueError(f"{criterion.measurement} has classes that {self.decides.measurement} lacks: {criterion.names}")
        return self

    def __str__(self) -> str:
        text = str(self.decides)
        return f"{text}; compared with {'; '.join(map(str, self.confirms))}" if self.confirms else text


@dataclass(frozen=True)
class Verdict:
    """Result of a rule for one face.

    Attributes:
        name: Name of the class.
        agree: Measurements that give the same class.
        disagree: Measurements that give another class, with the class.
        uncertain: Whether the distance of the deciding value to a bound is below its standard deviation; None if unknown.
        rule: The rule in words.
    """

    name: str
    agree: tuple[str, ...]
    disagree: Mapping[str, str]
    uncertain: bool | None
    rule: str


def judge(rule: Rule, values: Mapping[str, float], sigmas: Mapping[str, float] | None = None) -> Verdict | None:
    """Apply a rule to the measurements of a face.

    Args:
        rule: The rule.
        values: Values from `measure`.
        sigmas: Standard deviations by measurement, where known.

    Returns:
        The class, or None if the deciding measurement is missing. Missing confirming measurements are ignored.
    """
    decides = rule.decides
    if decides.measurement not in values:
        return None
    value = values[decides.measurement]
    name = decides.classify(value)
    others = {each.measurement: each.classify(values[each.measurement]) for each in rule.confirms if each.measurement in values}
    sigma = (sigmas or {}).get(decides.measurement)
    return Verdict(
        name,
        tuple(key for key, other in others.items() if other == name),
        {key: other for key, other in others.items() if other != name},
        None if sigma is None else min(abs(value - bound) for bound in decides.bounds) < sigma,
        str(rule),
    )

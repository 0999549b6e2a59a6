"""Norms of a population, and comparison of a value with a norm. No norm is applied unless a set is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS


class Norm(Params):
    """Mean and standard deviation of a measurement, or its normal range."""

    mean: FiniteFloat | None = Field(None, description="mean, in the measurement's unit")
    sd: PositiveFloat | None = Field(None, allow_inf_nan=False, description="standard deviation between persons")
    low: FiniteFloat | None = Field(None, description="lower limit of a range, if no mean is published")
    high: FiniteFloat | None = None
    checked: Literal["no", "mean", "yes"] = Field(
        "no", description="no: textbook value; mean: the mean was compared with the sources in checked_in; yes: also the sd"
    )

    @model_validator(mode="after")
    def _a_mean_or_a_range(self) -> Norm:
        if (self.mean is None) == (self.low is None) or (self.low is None) != (self.high is None):
            raise ValueError("a norm is a mean, with an sd if known, or low and high")
        if self.sd is not None and self.mean is None:
            raise ValueError("an sd needs a mean; a range is low and high only")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low = {self.low} is not below high = {self.high}")
        return self

    def deviation(self, value: float) -> float | None:
        """Deviation of a value from the mean in standard deviations; None without an sd."""
        return (value - self.mean) / self.sd if self.mean is not None and self.sd is not None else None

    def within(self, value: float) -> bool | None:
        """Whether a value lies in the range, or within one standard deviation; None without a range and an sd."""
        if self.low is not None and self.high is not None:
            return self.low <= value <= self.high
        deviation = self.deviation(value)
        return None if deviation is None else abs(deviation) <= 1

    def __str__(self) -> str:
        if self.mean is None:
            return f"{self.low:g} to {self.high:g}"
        return f"{self.mean:g}" if self.sd is None else f"{self.mean:g} ± {self.sd:g}"


class NormSet(Params):
    """Norms of one population from one source."""

    population: str = Field(min_length=1, description="population that was measured")
    sex: Literal["female", "male", "both"]
    age: str = Field(min_length=1, description="age in years, as stated in the source")
    source: str = Field(min_length=1, description="publication of the norms")
    checked_in: tuple[str, ...] = Field((), description="links to the sources with which values were compared")
    norms: dict[str, Norm] = Field(min_length=1, description="norms by measurement")

    @model_validator(mode="after")
    def _of_known_measurements(self) -> NormSet:
        unknown = sorted(set(self.norms) - set(MEASUREMENTS))
        if unknown:
            raise ValueError(f"norms of unknown measurements: {', '.join(unknown)}")
        if not self.checked_in and any(norm.checked != "no" for norm in self.norms.values()):
            raise ValueError("a norm is marked as checked, but checked_in is empty")
        return self


class ChosenNorm(BaseModel):
    """A norm with the name of its set."""

    model_config = ConfigDict(frozen=True)

    norm_set: str
    norm: Norm


def choose(norm_sets: Mapping[str, NormSet], names: tuple[str, ...]) -> dict[str, ChosenNorm]:
    """The norm of each measurement, from the first of the named sets that contains one; empty without a named set."""
    chosen: dict[str, ChosenNorm] = {}
    for name in names:
        for key, norm in norm_sets[name].norms.items():
            chosen.setdefault(key, ChosenNorm(norm_set=name, norm=norm))
    return chosen

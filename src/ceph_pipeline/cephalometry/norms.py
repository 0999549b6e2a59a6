"""Norms of a population, and what a value is beside them. None is applied unless it is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS


class Norm(Params):
    """Mean and standard deviation of a measurement, or the range that counts as normal."""

    mean: FiniteFloat | None = Field(None, description="in the measurement's unit")
    sd: PositiveFloat | None = Field(None, allow_inf_nan=False, description="of a person from the mean")
    low: FiniteFloat | None = Field(None, description="of a range, where no mean is published")
    high: FiniteFloat | None = None
    checked: Literal["no", "mean", "yes"] = Field(
        "no", description="no: textbook value that was not looked up; mean: the mean was found in what the set names; yes: sd too"
    )

    @model_validator(mode="after")
    def _a_mean_or_a_range(self) -> Norm:
        if (self.mean is None) == (self.low is None) or (self.low is None) != (self.high is None):
            raise ValueError("a norm is a mean, with an sd where one is known, or low and high")
        if self.sd is not None and self.mean is None:
            raise ValueError("an sd belongs to a mean; a range is low and high alone")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low = {self.low} is not below high = {self.high}")
        return self

    def deviation(self, value: float) -> float | None:
        """By how many standard deviations a value lies above the mean; None where no sd is known."""
        return (value - self.mean) / self.sd if self.mean is not None and self.sd is not None else None

    def within(self, value: float) -> bool | None:
        """Whether a value lies in the range, or within one standard deviation; None where neither is known."""
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

    population: str = Field(min_length=1, description="whose heads")
    sex: Literal["female", "male", "both"]
    age: str = Field(min_length=1, description="years, as the source says")
    source: str = Field(min_length=1, description="where the norms were published")
    checked_in: tuple[str, ...] = Field((), description="where values marked as checked were read")
    norms: dict[str, Norm] = Field(min_length=1, description="by measurement")

    @model_validator(mode="after")
    def _of_known_measurements(self) -> NormSet:
        unknown = sorted(set(self.norms) - set(MEASUREMENTS))
        if unknown:
            raise ValueError(f"norms of unknown measurements: {', '.join(unknown)}")
        if not self.checked_in and any(norm.checked != "no" for norm in self.norms.values()):
            raise ValueError("a norm is marked as checked, but checked_in does not say where")
        return self


class ChosenNorm(BaseModel):
    """A norm with the name of the set it is from."""

    model_config = ConfigDict(frozen=True)

    norm_set: str
    norm: Norm


def choose(norm_sets: Mapping[str, NormSet], names: tuple[str, ...]) -> dict[str, ChosenNorm]:
    """The norm of each measurement, from the first of the named sets that has one; none where no set is named."""
    chosen: dict[str, ChosenNorm] = {}
    for name in names:
        for key, norm in norm_sets[name].norms.items():
            chosen.setdefault(key, ChosenNorm(norm_set=name, norm=norm))
    return chosen

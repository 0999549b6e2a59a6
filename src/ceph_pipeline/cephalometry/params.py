"""Parameters of the measurements: norm sets, their selection, and classification rules."""

from __future__ import annotations

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.cephalometry.classes import Rule
from ceph_pipeline.cephalometry.norms import ChosenNorm, NormSet, choose
from ceph_pipeline.errors import known_here


class CephalometryParams(Params):
    """Norms that measurements are compared with, and classification rules."""

    compare_with: tuple[str, ...] = Field(
        (),
        description="names of norm sets; if several have a norm for a measurement, the first is used; empty: no norms are used",
    )
    rules: dict[str, Rule] = Field(
        default_factory=dict, description="classification rules by name; each decides by one measurement"
    )
    norm_sets: dict[str, NormSet] = Field(default_factory=dict, description="norms with population, sex, age and source, by name")

    @model_validator(mode="after")
    def _known_sets(self) -> CephalometryParams:
        for name in self.compare_with:
            if name not in self.norm_sets:
                raise ValueError(f"unknown norm set {name!r}.{known_here(name, sorted(self.norm_sets))}")
        return self

    @property
    def norms(self) -> dict[str, ChosenNorm]:
        """The norms of the chosen sets, by measurement."""
        return choose(self.norm_sets, self.compare_with)

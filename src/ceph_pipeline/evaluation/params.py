"""Parameters of the evaluation."""

from typing import Literal

from pydantic import Field, PositiveFloat

from ceph_pipeline.artifacts import Params
from ceph_pipeline.cephalometry.classes import MeasurementKey, ValueClasses
from ceph_pipeline.uncertainty.params import UncertaintyParams


class StatisticsParams(Params):
    """What is computed from the errors."""

    thresholds_mm: tuple[PositiveFloat, ...] = Field((2.0, 2.5, 3.0, 4.0), min_length=1, description="of the SDR")
    n_resamples: int = Field(10_000, ge=100, le=1_000_000, description="draws of images, or of patients, for each interval")
    seed: int = Field(42, ge=0)
    gallery_images: int = Field(3, ge=1, le=10, description="images shown of each kind: best, median, worst")

    @property
    def draws(self) -> dict[str, int]:
        """How images are drawn, as the functions of `intervals` take it."""
        return {"n_resamples": self.n_resamples, "seed": self.seed}


class RobustnessParams(Params):
    """Which augmented copies are predicted for the table of errors by kind of copy; they never enter the headline."""

    splits: tuple[Literal["valid", "test"], ...] = Field(("test",), min_length=1, description="whose copies")
    stages: tuple[Literal["stage1", "stage2"], ...] = Field(
        ("stage1", "stage2"), min_length=1, description="in a single view; stage2 refines the points of stage 1"
    )


STEINER = {
    "ANB": ValueClasses(bounds=(0.0, 4.0), names=("III", "I", "II")),
    "SN_GoGn": ValueClasses(bounds=(26.0, 38.0), names=("low angle", "normal", "high angle")),
}
"""Skeletal classes by ANB and growth patterns by the mandibular plane (norms of 2 ± 2° and 32 ± 6°)."""


class EvaluationParams(Params):
    """The `evaluation` pipeline."""

    statistics: StatisticsParams = StatisticsParams()
    robustness: RobustnessParams | None = Field(RobustnessParams(), description="errors by kind of copy; null: none")
    uncertainty: UncertaintyParams | None = Field(
        UncertaintyParams(), description="learned on held-out sources, checked on test sources; null: not learned"
    )
    training_images: int = Field(100, ge=0, description="training sources predicted to compare their error with validation's")
    classes: dict[MeasurementKey, ValueClasses] = Field(
        STEINER, description="classes by measurement, whose agreement is reported"
    )
    compare_with: str | None = Field(None, description="identifier of an earlier MLflow run of this pipeline")
    reader: str = Field("consensus", description="whose points count as the truth")
    landmarks: str | tuple[str, ...] | None = Field(
        None,
        description="which landmarks count; null: all; common: those that networks of another data set share with this one; a "
        "schema such as isbi2015; or names and symbols",
    )
    registered_model: str = Field(
        "ceph-detector",
        pattern=r"^[\w.-]{1,100}$",
        description="in MLflow's registry; detectors of other landmarks or data have another name",
    )
    force: bool = Field(False, description="predict again though nothing changed")

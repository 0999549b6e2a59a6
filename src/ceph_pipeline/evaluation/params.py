"""Parameters of the evaluation."""

from typing import Literal

from pydantic import Field, PositiveFloat

from ceph_pipeline.artifacts import Params
from ceph_pipeline.cephalometry.classes import MeasurementKey, ValueClasses
from ceph_pipeline.uncertainty.params import UncertaintyParams


class StatisticsParams(Params):
    """Statistics of the errors, and the size of the gallery."""

    thresholds_mm: tuple[PositiveFloat, ...] = Field((2.0, 2.5, 3.0, 4.0), min_length=1, description="thresholds of the SDR")
    n_resamples: int = Field(
        10_000, ge=100, le=1_000_000, description="bootstrap resamples of images, or of patients, for each confidence interval"
    )
    seed: int = Field(42, ge=0, description="seed of the bootstrap")
    gallery_images: int = Field(3, ge=1, le=10, description="number of best, of median and of worst images in the gallery")

    @property
    def draws(self) -> dict[str, int]:
        """The bootstrap arguments of the functions in `intervals`."""
        return {"n_resamples": self.n_resamples, "seed": self.seed}


class RobustnessParams(Params):
    """Which augmented copies are predicted for the table of errors by kind of copy. Copies are not part of the main results."""

    splits: tuple[Literal["valid", "test"], ...] = Field(("test",), min_length=1, description="splits whose copies are predicted")
    stages: tuple[Literal["stage1", "stage2"], ...] = Field(
        ("stage1", "stage2"),
        min_length=1,
        description="stages that predict, each in a single view; stage2 refines the points of stage 1",
    )


STEINER = {
    "ANB": ValueClasses(bounds=(0.0, 4.0), names=("III", "I", "II")),
    "SN_GoGn": ValueClasses(bounds=(26.0, 38.0), names=("low angle", "normal", "high angle")),
}
"""Skeletal classes by ANB and growth patterns by the mandibular plane (norms of 2 ± 2° and 32 ± 6°)."""


class EvaluationParams(Params):
    """The `evaluation` pipeline: errors, uncertainty and comparisons of a trained detector."""

    statistics: StatisticsParams = StatisticsParams()
    robustness: RobustnessParams | None = Field(
        RobustnessParams(), description="errors by kind of copy; null: no copies are predicted"
    )
    uncertainty: UncertaintyParams | None = Field(
        UncertaintyParams(),
        description="calibration of the uncertainty on held-out sources, checked on test sources; null: no calibration",
    )
    training_images: int = Field(
        100,
        ge=0,
        description="number of training sources that are predicted to compare their error with the validation error; 0: none",
    )
    classes: dict[MeasurementKey, ValueClasses] = Field(
        STEINER, description="classes by measurement; the agreement of predicted and true classes is reported"
    )
    compare_with: str | None = Field(
        None, description="identifier of an earlier MLflow run of this pipeline; null: no comparison"
    )
    reader: str = Field("consensus", description="reader whose points are the ground truth")
    landmarks: str | tuple[str, ...] | None = Field(
        None,
        description="landmarks that are evaluated; null: all; common: those that networks of another data set share with "
        "this data set; a schema such as isbi2015; or a list of names and symbols",
    )
    registered_model: str = Field(
        "ceph-detector",
        pattern=r"^[\w.-]{1,100}$",
        description="name in MLflow's model registry; give detectors of other landmarks or data sets another name",
    )
    force: bool = Field(False, description="predict again even if nothing has changed")

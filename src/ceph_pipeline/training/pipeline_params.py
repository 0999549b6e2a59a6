"""Parameters of the pipelines that train several networks: `folds`, `ensemble`, `compare` and `learning_curve`.

Does not import torch, because Kedro resolves these types when it registers the pipelines.
"""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from ceph_pipeline.artifacts import Params


class FoldParams(Params):
    """The `folds` pipeline: detectors, each trained without one fold of the training sources."""

    count: int = Field(5, ge=2, le=20, description="number of folds of the training sources")
    only: tuple[int, ...] | None = Field(None, description="numbers of the folds to train in this run, from 0; null: all")
    seed: int = Field(42, ge=0, description="seed of the assignment to folds")

    @model_validator(mode="after")
    def _folds_exist(self) -> "FoldParams":
        if self.only == ():
            raise ValueError("only is empty; expected at least one fold, or null to train all folds")
        if unknown := [number for number in self.only or () if not 0 <= number < self.count]:
            raise ValueError(f"only contains {unknown}, but the {self.count} folds are numbered 0 to {self.count - 1}")
        return self

    @property
    def wanted(self) -> tuple[int, ...]:
        """The folds to train in this run, without repetition and in ascending order."""
        return tuple(range(self.count)) if self.only is None else tuple(sorted(set(self.only)))


class EnsembleParams(Params):
    """The `ensemble` pipeline: detectors with other seeds, whose predictions are averaged with those of the default pipeline."""

    count: int = Field(3, ge=2, le=20, description="number of detectors, including the detector of the default pipeline")
    validation: Literal["shared", "own"] = Field(
        "shared",
        description="validation images of the further detectors; shared: those of the default pipeline; own: training images "
        "that are held out for each of them, so that the ensemble learns the validation images of the default pipeline too",
    )
    seed: int = Field(42, ge=0, description="seed of the choice of own validation images")


class CompareParams(Params):
    """The `compare` and `learning_curve` pipelines: trainings of stage 1 that differ in backbone or number of training images."""

    backbones: tuple[str, ...] = Field(
        ("resnet18", "resnet34", "hrnet_w18", "hrnet_w32", "hrnet_w48"), min_length=1, description="backbones to compare"
    )
    training_sources: tuple[PositiveInt, ...] = Field(
        (5, 10, 18, 50, 100, 500),
        min_length=1,
        description="numbers of training images of the learning curve; numbers above the size of the training split are skipped",
    )
    seed: int = Field(42, ge=0, description="seed of the choice of training images; larger sets contain the smaller ones")

"""Uncertainty models of one stage, with the networks and settings they are valid for, stored next to the networks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.landmarks.tables import Unit
from ceph_pipeline.uncertainty.model import UncertaintyError, UncertaintyModel

UNCERTAINTY_FILE = "uncertainty.json"
"""File in the folder that contains the networks' folders."""

UNITS: tuple[Unit, ...] = ("mm", "px")
"""Units of models; reports show the first unit for which a stage has a model."""


@dataclass(frozen=True)
class StageUncertainty:
    """Uncertainty models of one stage.

    Attributes:
        networks: Hashes of the checkpoints that predicted the points, by stage.
        settings: Parameters of the detector that the points depend on; see `DetectorParams.point_settings`.
        models: Models by unit. The model in px is for images without a pixel size.
    """

    networks: Mapping[str, str]
    settings: Mapping[str, Any]
    models: Mapping[Unit, UncertaintyModel]

    def to_report(self) -> dict[str, Any]:
        """The models as JSON-compatible values."""
        models: dict[str, Any] = {unit: model.to_report() for unit, model in self.models.items()}
        return {"networks": dict(self.networks), "settings": dict(self.settings), **models}

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> "StageUncertainty":
        """Read what `to_report` wrote.

        Raises:
            ValidationError: the report is not valid.
        """
        found = StageReport.model_validate(report)
        models = {unit: UncertaintyModel.from_report(found.models[unit]) for unit in UNITS if unit in found.models}
        return cls(found.networks, found.settings, models)


class StageReport(BaseModel):
    """Schema of a stage's report, validated when it is read; its additional entries are the models."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, dict[str, Any]]

    networks: dict[str, str] = Field(min_length=1)
    settings: dict[str, Any]

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Reports of the models, by unit."""
        return self.__pydantic_extra__

    @model_validator(mode="after")
    def _has_models(self) -> "StageReport":
        if "px" not in self.models or not set(self.models) <= set(UNITS):
            raise ValueError(f"models in {sorted(self.models)}, expected models in px and, with pixel sizes, in mm")
        return self


def read_uncertainty(file: Path) -> dict[str, StageUncertainty]:
    """Read the uncertainty models of each stage from a file.

    Raises:
        UncertaintyError: the file is damaged.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
        if not isinstance(content, dict):
            raise InvalidValueError(f"expected an object of stages, found {type(content).__name__}")
        return {stage: StageUncertainty.from_report(report) for stage, report in content.items()}
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()
        raise UncertaintyError(
            f"{file}: not an uncertainty file of the evaluation ({' '.join(reason[:3])}). Run the evaluation pipeline again, or "
            "delete the file."
        ) from None

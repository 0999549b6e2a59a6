"""What is known about one stage's uncertainty, with what it was learned from, as a file beside the networks."""

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
"""Beside the networks' folders."""

UNITS: tuple[Unit, ...] = ("mm", "px")
"""The first that a stage has a model of is the one that reports show."""


@dataclass(frozen=True)
class StageUncertainty:
    """One stage's models.

    Attributes:
        networks: Digests of the checkpoints that made the points, by stage.
        settings: Parameters of the detector that the points depend on; see `DetectorParams.point_settings`.
        models: By unit. That in px serves images without a pixel size.
    """

    networks: Mapping[str, str]
    settings: Mapping[str, Any]
    models: Mapping[Unit, UncertaintyModel]

    def to_report(self) -> dict[str, Any]:
        """As JSON keeps it."""
        models: dict[str, Any] = {unit: model.to_report() for unit, model in self.models.items()}
        return {"networks": dict(self.networks), "settings": dict(self.settings), **models}

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> "StageUncertainty":
        """Read what `to_report` wrote.

        Raises:
            ValidationError: it is something else.
        """
        found = StageReport.model_validate(report)
        models = {unit: UncertaintyModel.from_report(found.models[unit]) for unit in UNITS if unit in found.models}
        return cls(found.networks, found.settings, models)


class StageReport(BaseModel):
    """A stage's report, whose further entries are its models; checked when it is read."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, dict[str, Any]]

    networks: dict[str, str] = Field(min_length=1)
    settings: dict[str, Any]

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Reports of the models by unit."""
        return self.__pydantic_extra__

    @model_validator(mode="after")
    def _has_models(self) -> "StageReport":
        if not self.models or not set(self.models) <= set(UNITS):
            raise ValueError(f"models in {sorted(self.models)}, expected some in {' and '.join(UNITS)}")
        return self


def read_uncertainty(file: Path) -> dict[str, StageUncertainty]:
    """What a file says about each stage.

    Raises:
        UncertaintyError: it is damaged.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
        if not isinstance(content, dict):
            raise InvalidValueError(f"expected an object of stages, found {type(content).__name__}")
        return {stage: StageUncertainty.from_report(report) for stage, report in content.items()}
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()
        raise UncertaintyError(
            f"{file}: not what the evaluation wrote ({' '.join(reason[:3])}). Run the evaluation pipeline again, or delete the "
            "file."
        ) from None

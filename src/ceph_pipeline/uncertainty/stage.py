"""What is known about one stage's uncertainty, with what it was learned from, as a file beside the networks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ceph_pipeline.uncertainty.model import UncertaintyError, UncertaintyModel, Unit

UNCERTAINTY_FILE = "uncertainty.json"
"""Beside the networks' folders."""

UNITS: tuple[Unit, ...] = ("mm", "px")
"""The first that a stage has a model of is the one that reports speak of."""


@dataclass(frozen=True)
class StageUncertainty:
    """One stage's models.

    Attributes:
        networks: Digests of the checkpoints that made the points, by stage.
        views: What they looked at, in words; see `ceph_pipeline.detector.description.views_in_words`.
        models: By unit. That in px serves images without a pixel size.
    """

    networks: Mapping[str, str]
    views: str
    models: Mapping[Unit, UncertaintyModel]

    def to_report(self) -> dict[str, Any]:
        """As JSON keeps it."""
        models: dict[str, Any] = {unit: model.to_report() for unit, model in self.models.items()}
        return {"networks": dict(self.networks), "views": self.views, **models}

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> "StageUncertainty":
        """Read what `to_report` wrote.

        Raises:
            KeyError: an entry is missing.
        """
        models = {unit: UncertaintyModel.from_report(report[unit]) for unit in UNITS if unit in report}
        return cls(report["networks"], report["views"], models)


def read_uncertainty(file: Path) -> dict[str, StageUncertainty]:
    """What a file says about each stage.

    Raises:
        UncertaintyError: it is damaged.
    """
    try:
        return {stage: StageUncertainty.from_report(report) for stage, report in json.loads(file.read_text("utf-8")).items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UncertaintyError(
            f"{file}: not what the evaluation wrote ({type(error).__name__}: {error}). Run the evaluation pipeline again, "
            "or delete the file."
        ) from None

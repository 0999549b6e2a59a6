"""A film's CVM stage in a report's words."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class CvmStage:
    """The cervical vertebral maturation stage that a network's head says.

    Attributes:
        stage: 1–6.
        probability: Of that stage, 0–1, by the same head.
    """

    stage: int
    probability: float

    def __str__(self) -> str:
        return f"CVM stage CS{self.stage} (probability {self.probability:.2f}), by the network's head"


def cvm_stages(table: pd.DataFrame) -> dict[str, CvmStage]:
    """Each image's stage, of a table `image_id, cvm_stage, probability`."""
    columns = (table[name].tolist() for name in ("image_id", "cvm_stage", "probability"))
    return {str(image_id): CvmStage(int(stage), probability) for image_id, stage, probability in zip(*columns, strict=True)}

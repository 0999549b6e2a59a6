"""A film's CVM stage as text for reports."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class CvmStage:
    """The stage of cervical vertebral maturation (CVM) that the CVM head predicts.

    Attributes:
        stage: 1–6.
        probability: Predicted probability of that stage, 0–1.
    """

    stage: int
    probability: float

    def __str__(self) -> str:
        return f"CVM stage CS{self.stage} (probability {self.probability:.2f}), predicted by the network"


def cvm_stages(table: pd.DataFrame) -> dict[str, CvmStage]:
    """Each image's stage, from a table `image_id, cvm_stage, probability`."""
    columns = (table[name].tolist() for name in ("image_id", "cvm_stage", "probability"))
    return {str(image_id): CvmStage(int(stage), probability) for image_id, stage, probability in zip(*columns, strict=True)}

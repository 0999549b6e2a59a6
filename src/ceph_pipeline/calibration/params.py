"""Settings of the calibration."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CalibrationParams(BaseModel):
    """The `calibration` pipeline: millimetres per pixel from the ruler's two marks."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    ruler_mm: float = Field(10.0, gt=0, le=200, description="true distance of p1 and p2")
    tolerated_deviation_pct: float = Field(
        3.0, gt=0, le=100, description="of the ruler's millimetres per pixel from the data set's, before an image is reported"
    )
    on_bad_item: Literal["error", "quarantine"] = Field("quarantine", description="what a damaged task of the export does")

"""Parameters of the health report. Free of torch: Kedro resolves these types when it registers the pipelines."""

from pydantic import BaseModel, ConfigDict, Field


class HealthParams(BaseModel):
    """What a training does about its own health; the report is always written."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    stop_hopeless: bool = Field(
        False,
        description="stop once a finding of severity error has stood for three validations, or at once for values not finite",
    )
    watched_images: int = Field(
        3, ge=0, le=20, description="validation images whose truth, prediction and error are kept for every validation"
    )
    watched_landmarks: int = Field(4, ge=1, le=40, description="landmarks kept of each watched image, spread over the list")

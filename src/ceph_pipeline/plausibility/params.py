"""Parameters of the plausibility check, the same for evaluation and inference."""

from pydantic import BaseModel, ConfigDict, Field


class PlausibilityParams(BaseModel):
    """When a configuration of landmarks counts as implausible."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    percentile: float = Field(
        99.9,
        gt=50,
        lt=100,
        description="of training configurations, beyond which a configuration or its least likely landmark is implausible",
    )

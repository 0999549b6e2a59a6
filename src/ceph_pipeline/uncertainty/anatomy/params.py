"""Settings of the anatomical prior. Free of heavy imports: Kedro resolves this type when it registers the pipelines."""

from pydantic import BaseModel, ConfigDict, Field


class AnatomyParams(BaseModel):
    """When a configuration of landmarks counts as implausible, and whether gross outliers are placed anew."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percentile: float = Field(
        99.9,
        gt=50,
        lt=100,
        description="of real heads, beyond which a configuration, or a head's least likely landmark, is implausible",
    )
    replace: bool = Field(False, description="place gross outliers, of which the network is unsure too, from the other landmarks")

"""What the models of parameters have in common."""

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Parameters: unknown names are refused, numbers are finite, and nothing changes them."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

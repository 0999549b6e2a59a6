"""The base class of all parameter models."""

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """A frozen model that rejects unknown names and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

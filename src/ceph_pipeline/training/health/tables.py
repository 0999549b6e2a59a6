"""The tables of a health report, as Pandera schemas."""

import pandera.pandas as pa
from pandera.typing import Series

SEVERITIES = ("info", "warning", "error")
"""Mildest first. `error`: what was trained is of no use; `warning`: it may be, but a setting wants to be changed."""


class _Table(pa.DataFrameModel):
    """Shared settings: dtypes are coerced."""

    class Config:
        coerce = True
        strict = True


class HealthTable(_Table):
    """One row a finding."""

    check: Series[str]
    severity: Series[str] = pa.Field(isin=SEVERITIES)
    epoch: Series[int] = pa.Field(ge=1, description="since when it has stood")
    detail: Series[str] = pa.Field(description="what was seen, and what it cannot be told apart from")
    value: Series[float] = pa.Field(nullable=True, description="the evidence as one number, its unit in the detail")
    limit: Series[float] = pa.Field(nullable=True, description="which the value crossed")
    setting: Series[str] = pa.Field(description="the parameter to change, by its dotted name; empty where no parameter helps")
    suggestion: Series[str] = pa.Field(description="what to change it to, or what to do")


class MilestoneTable(_Table):
    """One row a milestone of a healthy training that has been passed, met or not."""

    measure: Series[str] = pa.Field(isin=("MRE mm", "SDR 2 mm %"))
    of_250: Series[int] = pa.Field(description="the epoch it belongs to in a training of 250")
    epoch: Series[int] = pa.Field(ge=1, description="the same share of this training's epochs")
    expected: Series[float] = pa.Field(description="MRE below, SDR above")
    reached: Series[float] = pa.Field(description="best so far")
    met: Series[bool]


class WatchedTable(_Table):
    """One row a watched validation point and validation; x and y in px of the original image."""

    epoch: Series[int] = pa.Field(ge=1)
    image_id: Series[str]
    landmark: Series[str]
    truth_x: Series[float] = pa.Field(nullable=True)
    truth_y: Series[float] = pa.Field(nullable=True)
    found_x: Series[float] = pa.Field(nullable=True)
    found_y: Series[float] = pa.Field(nullable=True)
    error_px: Series[float] = pa.Field(nullable=True, ge=0)
    error_mm: Series[float] = pa.Field(nullable=True, ge=0)

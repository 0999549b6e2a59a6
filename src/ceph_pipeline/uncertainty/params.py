"""Parameters of the uncertainty.

Does not import torch, because Kedro resolves this type when it registers the pipelines.
"""

from pydantic import Field

from ceph_pipeline.artifacts import Params


class UncertaintyParams(Params):
    """The calibration of standard deviations and of conformal radii, both on held-out sources."""

    level: float = Field(0.9, gt=0, lt=1, description="share of the true points that lie within their conformal radius")
    share_for_radii: float = Field(
        0.67,
        gt=0,
        lt=1,
        description="share of the held-out sources that determine the radii; the others calibrate the standard deviations",
    )
    flag_share: float = Field(
        0.1, gt=0, lt=1, description="share of the points, the least certain ones, that are flagged for review"
    )
    seed: int = Field(42, ge=0, description="seed of the division of the held-out sources")

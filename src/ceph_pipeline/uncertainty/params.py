"""Settings of the uncertainty. Free of heavy imports: Kedro resolves this type when it registers the pipelines."""

from pydantic import Field

from ceph_pipeline.artifacts import Params


class UncertaintyParams(Params):
    """How standard deviations are calibrated and radii chosen, both on held-out sources."""

    level: float = Field(0.9, gt=0, lt=1, description="share of the true points that lie within their radius")
    share_for_radii: float = Field(
        0.67, gt=0, lt=1, description="of the held-out sources; the others calibrate the standard deviations"
    )
    flag_share: float = Field(0.1, gt=0, lt=1, description="share of the points, the least certain, that a person looks at")
    seed: int = Field(42, ge=0, description="of the held-out sources' division")

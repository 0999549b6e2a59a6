"""Parameters of the plausibility check, the same for evaluation and inference."""

from pydantic import Field

from ceph_pipeline.artifacts import Params


class PlausibilityParams(Params):
    """When a configuration of landmarks counts as implausible."""

    percentile: float = Field(
        99.9,
        gt=50,
        lt=100,
        description="of training configurations, beyond which a configuration or its least likely landmark is implausible",
    )

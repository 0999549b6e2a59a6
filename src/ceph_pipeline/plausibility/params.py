"""Parameters of the plausibility check, which evaluation and inference share."""

from pydantic import Field

from ceph_pipeline.artifacts import Params


class PlausibilityParams(Params):
    """The limit from which a configuration of landmarks is implausible."""

    percentile: float = Field(
        99.9,
        gt=50,
        lt=100,
        description="percentile of the training configurations beyond which a configuration, or its least likely "
        "landmark, is implausible",
    )

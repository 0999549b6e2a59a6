"""Training in several processes, on one machine or more."""

from ceph_pipeline.training.distributed.rank import Rank

__all__ = ["Rank"]

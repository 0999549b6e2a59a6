"""From a raw data set to the project's tables and the pre-resized copies that training reads."""

from ceph_pipeline.ingestion.cache import CacheBuild, build_cache
from ceph_pipeline.ingestion.consensus import ConsensusMethod, with_consensus
from ceph_pipeline.ingestion.measuring import measurement_table
from ceph_pipeline.ingestion.params import IngestionParams
from ceph_pipeline.ingestion.splits import SplitError, with_test_split, with_validation_split

__all__ = [
    "CacheBuild",
    "ConsensusMethod",
    "IngestionParams",
    "SplitError",
    "build_cache",
    "measurement_table",
    "with_consensus",
    "with_test_split",
    "with_validation_split",
]

"""Parameters of ingestion."""

from pydantic import Field

from ceph_pipeline.artifacts import WorkerParams
from ceph_pipeline.formats import OnBadItem, ReadOptions
from ceph_pipeline.ingestion.consensus import ConsensusMethod


class IngestionParams(WorkerParams):
    """What ingestion leaves to choose."""

    on_bad_item: OnBadItem = Field("error", description="one error that lists all bad items, or set them aside and go on")
    exclude: tuple[str, ...] = Field((), description="images (`image`) and points (`image/symbol`) to leave out")
    reading: ReadOptions = Field(ReadOptions(), description="what the annotation files do not say themselves")
    consensus: ConsensusMethod = Field("mean", description="of the readers; ceil_mean is the official Aariz ground truth")
    valid_fraction: float = Field(
        0.1, ge=0, lt=1, description="of the training images, held out for validation where a data set has no such split"
    )
    test_fraction: float = Field(
        0.0, ge=0, lt=1, description="of the images, held out for testing where a data set has training images only; 0: none"
    )
    seed: int = Field(42, ge=0)
    cache_long_side_px: int = Field(512, ge=32, le=8192, description="long side of the pre-resized copies")
    force: bool = Field(False, description="fill the cache anew even if nothing has changed")

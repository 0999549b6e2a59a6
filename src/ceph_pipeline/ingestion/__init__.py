"""From a raw data set to the project's tables, and to the cache of resized images for training."""

from ceph_pipeline.ingestion.cache import build_cache
from ceph_pipeline.ingestion.consensus import with_consensus
from ceph_pipeline.ingestion.device_scale import with_device_scale
from ceph_pipeline.ingestion.film_sheet import FilmSheetError, read_film_sheet, with_machines
from ceph_pipeline.ingestion.params import DeviceScaleParams, FilmSheetParams, IngestionParams, PixelSizeParams, SplitParams
from ceph_pipeline.ingestion.pixel_size import with_pixel_sizes
from ceph_pipeline.ingestion.splits import SplitError, with_splits

__all__ = [
    "DeviceScaleParams",
    "FilmSheetError",
    "FilmSheetParams",
    "IngestionParams",
    "PixelSizeParams",
    "SplitError",
    "SplitParams",
    "build_cache",
    "read_film_sheet",
    "with_consensus",
    "with_device_scale",
    "with_machines",
    "with_pixel_sizes",
    "with_splits",
]

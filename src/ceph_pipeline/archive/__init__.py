"""Inference on more X-rays than memory holds: parts of an archive, by workers, into partitioned Parquet data sets."""

from ceph_pipeline.archive.params import ArchiveParams, ArchiveSettings

__all__ = ["ArchiveParams", "ArchiveSettings"]

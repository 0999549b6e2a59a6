"""Batch inference for collections that do not fit into memory: workers process parts and write partitioned Parquet data sets."""

from ceph_pipeline.archive.params import ArchiveParams, ArchiveSettings

__all__ = ["ArchiveParams", "ArchiveSettings"]

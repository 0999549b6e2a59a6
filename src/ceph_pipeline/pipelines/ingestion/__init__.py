"""Ingestion: from raw files to tables and the pre-resized cache."""

from ceph_pipeline.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

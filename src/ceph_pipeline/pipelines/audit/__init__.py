"""The audit pipeline."""

from ceph_pipeline.pipelines.audit.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Superimposition of two films of a patient."""

from ceph_pipeline.pipelines.superimposition.pipeline import create_pipeline

__all__ = ["create_pipeline"]

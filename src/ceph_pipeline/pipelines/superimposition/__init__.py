"""Superimposition: two films of one person over each other."""

from ceph_pipeline.pipelines.superimposition.pipeline import create_pipeline

__all__ = ["create_pipeline"]

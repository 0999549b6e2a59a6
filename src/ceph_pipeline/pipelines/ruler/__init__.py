"""Ruler: pixel sizes from the predicted marks of the ruler, their errors and a report."""

from ceph_pipeline.pipelines.ruler.pipeline import create_pipeline

__all__ = ["create_pipeline"]

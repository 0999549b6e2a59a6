"""Inference: the trained detector applied to new X-rays."""

from ceph_pipeline.pipelines.inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Crops: which cut-outs stage 2 learns from."""

from ceph_pipeline.pipelines.crops.pipeline import create_pipeline

__all__ = ["create_pipeline"]

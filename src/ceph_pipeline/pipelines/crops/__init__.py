"""Crops: index of the crops for training stage 2."""

from ceph_pipeline.pipelines.crops.pipeline import create_pipeline

__all__ = ["create_pipeline"]

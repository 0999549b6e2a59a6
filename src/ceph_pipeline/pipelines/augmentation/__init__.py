"""Augmentation: copies of every source for training and for the robustness table."""

from ceph_pipeline.pipelines.augmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]

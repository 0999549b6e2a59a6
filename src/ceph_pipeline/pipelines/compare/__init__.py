"""Comparison of several trainings of stage 1: networks, and numbers of training images."""

from ceph_pipeline.pipelines.compare.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Promotion: the newest registered detector becomes the champion, unless its error on the test images is larger."""

from ceph_pipeline.pipelines.promotion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

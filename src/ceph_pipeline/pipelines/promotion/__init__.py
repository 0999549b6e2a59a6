"""Promotion: the newest registered detector becomes the champion, unless it errs more on the test images."""

from ceph_pipeline.pipelines.promotion.pipeline import create_pipeline

__all__ = ["create_pipeline"]

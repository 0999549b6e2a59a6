"""Stage 1, the whole-image network: training, and predictions on validation and test images."""

from ceph_pipeline.pipelines.stage1.pipeline import create_pipeline

__all__ = ["create_pipeline"]

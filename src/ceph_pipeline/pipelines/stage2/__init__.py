"""Stage 2, the refinement network: training on crops."""

from ceph_pipeline.pipelines.stage2.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Ensemble: further detectors of other seeds, whose answers are fused with the first one's."""

from ceph_pipeline.pipelines.ensemble.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Cross-validation: detectors trained without each fold of the training sources."""

from ceph_pipeline.pipelines.folds.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Evaluation: all stages on validation and test images, their errors, figures and report."""

from ceph_pipeline.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Ensemble: more detectors with other seeds, whose predictions are averaged with the first detector's."""

from ceph_pipeline.pipelines.ensemble.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Calibration: millimetres per pixel from the ruler's two marks."""

from ceph_pipeline.pipelines.calibration.pipeline import create_pipeline

__all__ = ["create_pipeline"]

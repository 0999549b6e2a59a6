"""Calibration: pixel sizes in millimetres from the ruler's two marks."""

from ceph_pipeline.calibration.params import CalibrationParams
from ceph_pipeline.calibration.ruler import CalibrationError, calibrate, mm_per_pixel, summarise_by_machine

__all__ = ["CalibrationError", "CalibrationParams", "calibrate", "mm_per_pixel", "summarise_by_machine"]

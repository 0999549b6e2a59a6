"""Cephalometric measurements, computed from landmarks."""

from ceph_pipeline.cephalometry.measurements import MEASUREMENTS, VERTICAL_MEASUREMENTS, Measurement
from ceph_pipeline.cephalometry.measuring import UnknownMeasurementError, measure

__all__ = ["MEASUREMENTS", "VERTICAL_MEASUREMENTS", "Measurement", "UnknownMeasurementError", "measure"]

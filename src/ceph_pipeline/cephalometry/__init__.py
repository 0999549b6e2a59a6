"""Cephalometric measurements from landmarks, with analyses, norms and classes."""

from ceph_pipeline.cephalometry.analyses import ANALYSES, Analysis
from ceph_pipeline.cephalometry.changes import changes
from ceph_pipeline.cephalometry.classes import Rule, Verdict, judge
from ceph_pipeline.cephalometry.learned import LEARNED_MEASUREMENTS, as_measurement, is_length_px, learned_values
from ceph_pipeline.cephalometry.measurements import MEASUREMENTS, VERTICAL_MEASUREMENTS
from ceph_pipeline.cephalometry.measuring import Result, UnknownMeasurementError, assess, measure
from ceph_pipeline.cephalometry.norms import Norm, NormSet
from ceph_pipeline.cephalometry.params import CephalometryParams
from ceph_pipeline.cephalometry.superimposition import Registration, SuperimpositionError, superimpose
from ceph_pipeline.cephalometry.tables import measure_table, vertical_measurements

__all__ = [
    "ANALYSES",
    "LEARNED_MEASUREMENTS",
    "MEASUREMENTS",
    "VERTICAL_MEASUREMENTS",
    "Analysis",
    "CephalometryParams",
    "Norm",
    "NormSet",
    "Registration",
    "Result",
    "Rule",
    "SuperimpositionError",
    "UnknownMeasurementError",
    "Verdict",
    "as_measurement",
    "assess",
    "changes",
    "is_length_px",
    "judge",
    "learned_values",
    "measure",
    "measure_table",
    "superimpose",
    "vertical_measurements",
]

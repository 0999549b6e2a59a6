"""Annotation formats: from files as they are distributed to the tables of `ceph_pipeline.landmarks.tables`."""

from ceph_pipeline.formats.annotations import Annotations
from ceph_pipeline.formats.options import ReadOptions, TableOptions
from ceph_pipeline.formats.problems import AnnotationError, OnBadItem, Problem, quarantine_table, refuse
from ceph_pipeline.formats.registry import FORMATS, AnnotationFormat, read

__all__ = [
    "FORMATS",
    "AnnotationError",
    "AnnotationFormat",
    "Annotations",
    "OnBadItem",
    "Problem",
    "ReadOptions",
    "TableOptions",
    "quarantine_table",
    "read",
    "refuse",
]

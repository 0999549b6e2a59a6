"""Annotation formats: reading annotation files into the tables of `ceph_pipeline.landmarks.tables`, and writing them."""

from ceph_pipeline.formats.annotations import Annotations
from ceph_pipeline.formats.options import ReadOptions, TableOptions
from ceph_pipeline.formats.problems import AnnotationError, OnBadItem, Problem, quarantine_table, refuse
from ceph_pipeline.formats.registry import FORMATS, read
from ceph_pipeline.formats.unknown_labels import unknown_labels
from ceph_pipeline.formats.writers import WRITERS, ExportParams, write

__all__ = [
    "FORMATS",
    "WRITERS",
    "AnnotationError",
    "Annotations",
    "ExportParams",
    "OnBadItem",
    "Problem",
    "ReadOptions",
    "TableOptions",
    "quarantine_table",
    "read",
    "refuse",
    "unknown_labels",
    "write",
]

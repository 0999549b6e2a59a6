"""Annotation formats: from files as they are distributed to the tables of `ceph_pipeline.landmarks.tables`."""

from ceph_pipeline.formats.annotations import Annotations
from ceph_pipeline.formats.problems import AnnotationError, OnBadItem, Problem, quarantine_table, refuse
from ceph_pipeline.formats.registry import READERS, AnnotationFormat, read

__all__ = [
    "READERS",
    "AnnotationError",
    "AnnotationFormat",
    "Annotations",
    "OnBadItem",
    "Problem",
    "quarantine_table",
    "read",
    "refuse",
]

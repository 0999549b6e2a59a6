"""Writing points in the readable formats."""

from ceph_pipeline.formats.writers.params import ExportParams
from ceph_pipeline.formats.writers.point_set import point_set
from ceph_pipeline.formats.writers.registry import WRITERS, AnnotationWriter, write

__all__ = [
    "WRITERS",
    "AnnotationWriter",
    "ExportParams",
    "point_set",
    "write",
]

"""The ruler's marks as located: pixel sizes, their errors and a report."""

from ceph_pipeline.pipelines.ruler.pipeline import create_pipeline

__all__ = ["create_pipeline"]

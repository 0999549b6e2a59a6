"""Export: a table of points as annotation files of another format."""

from ceph_pipeline.pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]

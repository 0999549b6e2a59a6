"""Archive: batch inference for collections of X-rays that do not fit into memory."""

from ceph_pipeline.pipelines.archive.pipeline import create_pipeline

__all__ = ["create_pipeline"]

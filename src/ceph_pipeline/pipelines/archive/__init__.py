"""Archive: the trained detector applied to more X-rays than memory holds."""

from ceph_pipeline.pipelines.archive.pipeline import create_pipeline

__all__ = ["create_pipeline"]

"""Phantom: the embedded data set of synthetic cephalograms (phantoms), drawn from sampled landmarks."""

from ceph_pipeline.pipelines.phantom.pipeline import create_pipeline

__all__ = ["create_pipeline"]

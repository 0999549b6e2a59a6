"""Benchmark: throughput of training and inference on this machine."""

from ceph_pipeline.pipelines.benchmark.pipeline import create_pipeline

__all__ = ["create_pipeline"]

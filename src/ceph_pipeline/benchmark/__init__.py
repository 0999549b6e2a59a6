"""Benchmark: how fast training and inference are here. Importing this package is cheap; `runs` imports torch."""

from ceph_pipeline.benchmark.params import BenchmarkParams, NetCase

__all__ = ["BenchmarkParams", "NetCase"]

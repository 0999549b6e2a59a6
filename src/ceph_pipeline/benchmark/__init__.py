"""Benchmark: how fast training, inference and the codec are here. Importing this package is cheap; its modules import torch."""

from ceph_pipeline.benchmark.params import BenchmarkParams, Configuration, FullStepCase, NetCase

__all__ = ["BenchmarkParams", "Configuration", "FullStepCase", "NetCase"]

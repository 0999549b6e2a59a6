"""Benchmark: how fast everything is here. Importing this package is cheap; its modules import torch."""

from ceph_pipeline.benchmark.params import BenchmarkParams, Configuration, DetectorCase, FullStepCase, NetCase, StatisticsCase

__all__ = ["BenchmarkParams", "Configuration", "DetectorCase", "FullStepCase", "NetCase", "StatisticsCase"]

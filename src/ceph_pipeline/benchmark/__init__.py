"""Benchmark: how fast training and inference are on this machine. Importing this package is cheap; its modules import torch."""

from ceph_pipeline.benchmark.params import BenchmarkParams, DetectorCase, FullStepCase, NetCase

__all__ = ["BenchmarkParams", "DetectorCase", "FullStepCase", "NetCase"]

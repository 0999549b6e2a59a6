"""Benchmark of training and inference on this machine. Importing this package does not import torch; its modules do."""

from ceph_pipeline.benchmark.params import BenchmarkParams, DetectorCase, FullStepCase, NetCase

__all__ = ["BenchmarkParams", "DetectorCase", "FullStepCase", "NetCase"]

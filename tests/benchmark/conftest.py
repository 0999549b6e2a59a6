"""Detectors and films of the detector's own tests."""

from ..detector.conftest import checkpoints, xrays

__all__ = ["checkpoints", "xrays"]

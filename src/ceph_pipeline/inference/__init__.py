"""Inference: the trained detector applied to new cephalograms.

Importing this package does not import torch; torch is imported when the detector is first used.
"""

from typing import TYPE_CHECKING, Any

from ceph_pipeline.inference.params import InferenceParams

if TYPE_CHECKING:
    from ceph_pipeline.detector import LandmarkDetector

__all__ = ["InferenceParams", "LandmarkDetector"]


def __getattr__(name: str) -> Any:
    """Import the names that need torch when they are first used."""
    if name == "LandmarkDetector":
        from ceph_pipeline.detector import LandmarkDetector

        return LandmarkDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

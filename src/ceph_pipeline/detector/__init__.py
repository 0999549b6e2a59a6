"""The detector: trained networks, and the code that predicts landmarks from pixels.

Importing this package does not import torch; torch is imported when `LandmarkDetector` is first used.
"""

from typing import TYPE_CHECKING, Any

from ceph_pipeline.detector.params import DetectorParams

if TYPE_CHECKING:
    from ceph_pipeline.detector.landmark_detector import LandmarkDetector

__all__ = ["DetectorParams", "LandmarkDetector"]


def __getattr__(name: str) -> Any:
    """Import `LandmarkDetector`, which requires torch, at its first use."""
    if name == "LandmarkDetector":
        from ceph_pipeline.detector.landmark_detector import LandmarkDetector

        return LandmarkDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

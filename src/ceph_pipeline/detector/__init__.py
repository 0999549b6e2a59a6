"""The detector: trained networks, and the one path from pixels to landmarks.

Importing this package is cheap; its parts import torch when they are used.
"""

from typing import TYPE_CHECKING, Any

from ceph_pipeline.detector.params import DetectorParams

if TYPE_CHECKING:
    from ceph_pipeline.detector.landmark_detector import LandmarkDetector

__all__ = ["DetectorParams", "LandmarkDetector"]


def __getattr__(name: str) -> Any:
    """Import what needs torch at its first use."""
    if name == "LandmarkDetector":
        from ceph_pipeline.detector.landmark_detector import LandmarkDetector

        return LandmarkDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The detector: trained networks, and the one path from pixels to landmarks.

Importing this package is cheap; its parts import torch when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ceph_pipeline.detector.params import DetectorParams

if TYPE_CHECKING:
    from ceph_pipeline.detector.landmark_detector import LandmarkDetector
    from ceph_pipeline.detector.located import Located
    from ceph_pipeline.detector.refinement import predict_refined
    from ceph_pipeline.detector.whole_image import look_at_whole

__all__ = ["DetectorParams", "LandmarkDetector", "Located", "look_at_whole", "predict_refined"]

_MODULES = {
    "LandmarkDetector": "landmark_detector",
    "Located": "located",
    "predict_refined": "refinement",
    "look_at_whole": "whole_image",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch at its first use."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

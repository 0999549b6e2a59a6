"""The detector: trained networks, and the one path from pixels to landmarks.

Importing this package is cheap; its parts import torch when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ceph_pipeline.detector.landmark_detector import LandmarkDetector
    from ceph_pipeline.detector.located import Located
    from ceph_pipeline.detector.refinement import predict_refined
    from ceph_pipeline.detector.whole_image import predict_whole

__all__ = ["LandmarkDetector", "Located", "predict_refined", "predict_whole"]

_MODULES = {
    "LandmarkDetector": "landmark_detector",
    "Located": "located",
    "predict_refined": "refinement",
    "predict_whole": "whole_image",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch at its first use."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Inference: trained networks applied to cephalograms, old and new.

Importing this package is cheap; its parts import torch when they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ceph_pipeline.inference.params import InferenceParams

if TYPE_CHECKING:
    from ceph_pipeline.inference.detector import LandmarkDetector
    from ceph_pipeline.inference.located import Located
    from ceph_pipeline.inference.refinement import predict_refined
    from ceph_pipeline.inference.whole_image import predict_whole

__all__ = ["InferenceParams", "LandmarkDetector", "Located", "predict_refined", "predict_whole"]

_HOMES = {
    "LandmarkDetector": "detector",
    "Located": "located",
    "predict_refined": "refinement",
    "predict_whole": "whole_image",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch at its first use."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

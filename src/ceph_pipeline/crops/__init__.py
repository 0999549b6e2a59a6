"""Crops around landmarks: which there are, how they are cut, and how their answers become one point."""

from ceph_pipeline.crops.cutting import SourcePyramid
from ceph_pipeline.crops.field import HeadSizeError, field_sizes, head_size
from ceph_pipeline.crops.fusion import Fused, fuse
from ceph_pipeline.crops.index import SHIFTS, NoResidualsError, inference_index, residuals, training_index
from ceph_pipeline.crops.params import CropParams, DisplacementParams, RefinementParams

__all__ = [
    "SHIFTS",
    "CropParams",
    "DisplacementParams",
    "Fused",
    "HeadSizeError",
    "NoResidualsError",
    "RefinementParams",
    "SourcePyramid",
    "field_sizes",
    "fuse",
    "head_size",
    "inference_index",
    "residuals",
    "training_index",
]

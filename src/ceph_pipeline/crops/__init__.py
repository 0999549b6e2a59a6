"""Crops around landmarks: their positions, cutting them from an image, and fusing their predictions."""

from ceph_pipeline.crops.cutting import SourcePyramid
from ceph_pipeline.crops.field import FaceSizeError, face_size, field_sizes
from ceph_pipeline.crops.fusion import fuse
from ceph_pipeline.crops.index import SHIFTS, NoResidualsError, inference_index, residuals, training_index
from ceph_pipeline.crops.params import CropParams, DisplacementParams, RefinementParams

__all__ = [
    "SHIFTS",
    "CropParams",
    "DisplacementParams",
    "FaceSizeError",
    "NoResidualsError",
    "RefinementParams",
    "SourcePyramid",
    "face_size",
    "field_sizes",
    "fuse",
    "inference_index",
    "residuals",
    "training_index",
]

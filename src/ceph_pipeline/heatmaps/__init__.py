"""Heatmaps: from points to Gaussian maps, and from maps back to points with sub-pixel precision."""

from ceph_pipeline.heatmaps.activation import Activation, spatial_moments, to_heatmaps
from ceph_pipeline.heatmaps.decoding import DecodeMethod, Points, decode
from ceph_pipeline.heatmaps.encoding import encode
from ceph_pipeline.heatmaps.windows import local_soft_argmax

__all__ = [
    "Activation",
    "DecodeMethod",
    "Points",
    "decode",
    "encode",
    "local_soft_argmax",
    "spatial_moments",
    "to_heatmaps",
]

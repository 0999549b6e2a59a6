"""Landmarks: which there are, the tables they live in, and how they move with pixels."""

from ceph_pipeline.landmarks.geometry import Affine
from ceph_pipeline.landmarks.schemas import SCHEMAS, Landmark, LandmarkSchema, UnknownLandmarkError, find

__all__ = ["SCHEMAS", "Affine", "Landmark", "LandmarkSchema", "UnknownLandmarkError", "find"]

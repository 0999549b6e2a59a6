"""Landmarks: which there are, the tables they live in, and how they move with pixels."""

from ceph_pipeline.landmarks.geometry import Affine, Affines
from ceph_pipeline.landmarks.schemas import (
    SCHEMAS,
    Landmark,
    LandmarkSchema,
    UnknownLandmarkError,
    common_landmarks,
    find,
    known_or_own,
    own_schema,
)

__all__ = [
    "SCHEMAS",
    "Affine",
    "Affines",
    "Landmark",
    "LandmarkSchema",
    "UnknownLandmarkError",
    "common_landmarks",
    "find",
    "known_or_own",
    "own_schema",
]

"""Landmarks: schemas of the public data sets, tables, and geometry shared with pixels."""

from ceph_pipeline.landmarks.geometry import Affine, Affines
from ceph_pipeline.landmarks.schemas import (
    RULER_MARKS,
    SCHEMAS,
    Landmark,
    LandmarkSchema,
    UnknownLandmarkError,
    common_landmarks,
    find,
    is_known,
    known_or_own,
    landmark_of,
    nearest_name,
    own_schema,
)

__all__ = [
    "RULER_MARKS",
    "SCHEMAS",
    "Affine",
    "Affines",
    "Landmark",
    "LandmarkSchema",
    "UnknownLandmarkError",
    "common_landmarks",
    "find",
    "is_known",
    "known_or_own",
    "landmark_of",
    "nearest_name",
    "own_schema",
]

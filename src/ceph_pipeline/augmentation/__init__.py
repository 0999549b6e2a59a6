"""Augmentation: copies of every source with exactly transformed landmarks, including synthetic braces, in the source's split."""

from ceph_pipeline.augmentation.kinds import KINDS, DrawnKind, Kind, RecipeError, Source, register
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.augmentation.transforms import Transform

__all__ = ["KINDS", "AugmentationParams", "DrawnKind", "Kind", "RecipeError", "Source", "Transform", "register"]

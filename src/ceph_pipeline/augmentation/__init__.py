"""Augmentation: exact copies of every source, synthetic braces among them, in their source's split."""

from ceph_pipeline.augmentation.kinds import KINDS, DrawnKind, Kind, RecipeError, Source, register
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.augmentation.transforms import Transform

__all__ = ["KINDS", "AugmentationParams", "DrawnKind", "Kind", "RecipeError", "Source", "Transform", "register"]

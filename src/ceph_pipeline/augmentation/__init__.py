"""Augmentation: exact copies of every source, synthetic braces among them, in their source's split."""

from ceph_pipeline.augmentation.changes import Change
from ceph_pipeline.augmentation.kinds import KINDS, DrawnKind, Kind, RecipeError, Source, register
from ceph_pipeline.augmentation.params import AugmentationParams

__all__ = ["KINDS", "AugmentationParams", "Change", "DrawnKind", "Kind", "RecipeError", "Source", "register"]

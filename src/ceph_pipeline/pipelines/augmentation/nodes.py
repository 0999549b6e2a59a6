"""Nodes of the augmentation pipeline."""

from typing import Any

import pandas as pd

from ceph_pipeline.augmentation import AugmentationParams
from ceph_pipeline.images import ImageStore, RawFolder


def augment_sources(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    exclusions: pd.DataFrame,
    raw_cephalograms: RawFolder,
    source_cache: ImageStore,
    augmented_store: ImageStore,
    augmented_cache: ImageStore,
    params: AugmentationParams,
) -> dict[str, pd.DataFrame]:
    """Write all copies of all sources to the stores and return their tables."""
    from ceph_pipeline.augmentation.engine import augment
    from ceph_pipeline.augmentation.tables import SourceTables

    sources = SourceTables(images, landmarks, cvm, exclusions)
    return augment(sources, raw_cephalograms, source_cache, augmented_store, augmented_cache, params)


def draw_contact_sheet(augmented_images: pd.DataFrame, augmented_landmarks: pd.DataFrame, augmented_store: ImageStore) -> Any:
    """Draw each kind of copy for a few sources."""
    from ceph_pipeline.augmentation.sheet import contact_sheet

    return contact_sheet(augmented_images, augmented_landmarks, augmented_store)

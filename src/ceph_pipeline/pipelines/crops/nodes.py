"""Nodes of the crops pipeline."""

import logging

import pandas as pd

from ceph_pipeline.crops import CropParams, training_index

logger = logging.getLogger(__name__)


def index_crops(
    augmented_images: pd.DataFrame,
    augmented_landmarks: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    stage1_predictions: pd.DataFrame,
    params: CropParams,
) -> pd.DataFrame:
    """List the crops for training stage 2; their pixels are cut on demand."""
    table = training_index(
        augmented_images,
        augmented_landmarks,
        images=images,
        landmarks=landmarks,
        stage1_predictions=stage1_predictions,
        params=params,
    )
    counts = table["split"].value_counts()
    logger.info(
        "%s crops of %d px indexed (train %s, valid %s); the median field of view is %.0f px",
        f"{len(table):,}",
        params.crop_px,
        f"{counts.get('train', 0):,}",
        f"{counts.get('valid', 0):,}",
        table["field_px"].median(),
    )
    return table

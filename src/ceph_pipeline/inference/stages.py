"""Predictions as tables, stage by stage, for the pipelines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ceph_pipeline.detector.checkpoint import load_checkpoint
from ceph_pipeline.detector.forward import resolve_device
from ceph_pipeline.detector.located import prediction_rows
from ceph_pipeline.detector.whole_image import predict_whole

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ceph_pipeline.images import ImageStore

logger = logging.getLogger(__name__)


def predict_stage1_table(
    images: pd.DataFrame, store: ImageStore, checkpoint: Path, *, batch_size: int = 8, device: str = "auto"
) -> pd.DataFrame:
    """Stage 1's points on images, one view each, as a `PredictionTable`.

    Args:
        images: Rows of the images table.
        store: Their pixels, full size or pre-resized.
        checkpoint: Of stage 1.
        batch_size: Images a forward pass.
        device: `auto`, `cpu`, `cuda` or `mps`.
    """
    trained = load_checkpoint(checkpoint, resolve_device(device))
    image_ids = images["image_id"].tolist()
    located = predict_whole([trained], store.read, image_ids, images[["width", "height"]].to_numpy(), batch_size=batch_size)
    logger.info("stage 1 located %d landmarks in each of %d images", len(trained.landmarks), len(image_ids))
    return prediction_rows(located, image_ids, list(trained.landmarks), "stage1")

"""Nodes of pipeline `stage2`."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.images import ImageStore
from ceph_pipeline.training import Stage2Params


def train(
    crops: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    source_pixels: pd.DataFrame,
    store: ImageStore,
    folder: Path,
    crop_params: CropParams,
    params: Stage2Params,
) -> Path:
    """Train the refinement network on the training split's crops and return its best checkpoint."""
    from ceph_pipeline.training import run
    from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

    tables = Stage2Tables.of(crops, images[images["split"] != "test"], landmarks, source_pixels)
    return run.train(Stage2Job(tables, store, crop_params, params), folder)

"""Nodes of pipeline `stage2`."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
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
    from ceph_pipeline.training.stage2 import Stage2Tables, train_refinement_net

    tables = Stage2Tables.of(crops, images[images["split"] != "test"], landmarks, source_pixels)
    return train_refinement_net(tables, store, folder, crop_params, params)


def log_detector(stage1: Path, stage2: Path) -> None:
    """Log both networks as one model to the MLflow run, and register it as candidate; without tracking there is no run."""
    import mlflow

    from ceph_pipeline.inference.mlflow_model import log_detector
    from ceph_pipeline.inference.registry import register_candidate

    if mlflow.active_run() is not None:
        register_candidate(log_detector(stage1, stage2), fingerprint([fingerprint(stage1), fingerprint(stage2)]))

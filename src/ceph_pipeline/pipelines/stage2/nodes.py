"""Nodes of pipeline `stage2`."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.images import ImageStore
from ceph_pipeline.training import FoldParams, Stage2Params


def train_stage2(
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


def train_stage2_folds(
    folds: pd.DataFrame,
    fold_stage1_predictions: pd.DataFrame,
    sources: pd.DataFrame,
    source_landmarks: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    source_pixels: pd.DataFrame,
    store: ImageStore,
    folder: Path,
    crop_params: CropParams,
    params: Stage2Params,
    fold_params: FoldParams,
) -> pd.DataFrame:
    """Train a refinement network without each fold, on crops displaced as stage 1 errs on that fold; list the checkpoints."""
    from ceph_pipeline.crops import training_index
    from ceph_pipeline.training.folds import checkpoint_table, resplit
    from ceph_pipeline.training.stage2 import Stage2Tables, train_refinement_net

    checkpoints = {}
    for fold in fold_params.wanted:
        learned = resplit(images, folds, fold)
        crops = training_index(
            learned,
            landmarks[landmarks["image_id"].isin(learned["image_id"])],
            images=resplit(sources, folds, fold, by="image_id"),
            landmarks=source_landmarks,
            stage1_predictions=fold_stage1_predictions,
            params=crop_params,
        )
        tables = Stage2Tables.of(crops, learned, landmarks, source_pixels)
        name = f"stage2 without fold {fold}"
        checkpoints[fold] = train_refinement_net(tables, store, folder / str(fold) / "stage2", crop_params, params, run_name=name)
    return checkpoint_table(checkpoints, folder)


def log_detector(stage1: Path, stage2: Path) -> None:
    """Log both networks as one model to the MLflow run; without tracking there is none to log to."""
    import mlflow

    from ceph_pipeline.inference.mlflow_model import log_detector

    if mlflow.active_run() is not None:
        log_detector(stage1, stage2)

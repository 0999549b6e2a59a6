"""Nodes of pipeline `stage1`."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.artifacts.cached_table import kept, pixels_digest
from ceph_pipeline.detector.located import no_predictions
from ceph_pipeline.images import ImageStore
from ceph_pipeline.training import FoldParams, Stage1Params


def train_stage1(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    measurements: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: Stage1Params,
) -> Path:
    """Train the whole-image network on the training split and return its best checkpoint."""
    from ceph_pipeline.training.stage1 import Stage1Tables, train_whole_image_net

    learned = _cached(images, cache_index)
    tables = Stage1Tables.of(learned[learned["split"] != "test"], landmarks, cvm, measurements, source_pixels)
    return train_whole_image_net(tables, cache, folder, params)


def predict_stage1(
    images: pd.DataFrame, cache: ImageStore, cache_index: pd.DataFrame, checkpoint: Path, folder: Path
) -> pd.DataFrame:
    """Locate the landmarks of the validation and test sources, one view an image."""
    cached = _cached(images, cache_index)
    return _points(cached[cached["split"] != "train"], cache, cache_index, checkpoint, folder)


def deal_folds(
    images: pd.DataFrame, augmented_images: pd.DataFrame, duplicates: pd.DataFrame, params: FoldParams
) -> pd.DataFrame:
    """Deal the training sources into folds; an empty table where none are asked for."""
    from ceph_pipeline.training.folds import assign_folds, no_folds

    learned = images[images["image_id"].isin(augmented_images["source_id"])]
    return assign_folds(learned, duplicates, params.count, params.seed) if params.count else no_folds()


def train_stage1_folds(
    folds: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    measurements: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: Stage1Params,
    fold_params: FoldParams,
) -> pd.DataFrame:
    """Train a whole-image network without each fold, and list the checkpoints."""
    from ceph_pipeline.training.folds import checkpoint_table, resplit
    from ceph_pipeline.training.stage1 import Stage1Tables, train_whole_image_net

    checkpoints = {}
    for fold in fold_params.wanted:
        learned = resplit(_cached(images, cache_index), folds, fold)
        tables = Stage1Tables.of(learned, landmarks, cvm, measurements, source_pixels)
        name = f"stage1 without fold {fold}"
        checkpoints[fold] = train_whole_image_net(tables, cache, folder / str(fold) / "stage1", params, run_name=name)
    return checkpoint_table(checkpoints, folder)


def predict_stage1_folds(
    folds: pd.DataFrame,
    stage1_folds: pd.DataFrame,
    images: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
) -> pd.DataFrame:
    """Locate the landmarks of each training source with the network that was trained without its fold, one view an image."""
    from ceph_pipeline.training.folds import listed_checkpoints

    cached = _cached(images, cache_index)
    tables = [
        _points(
            cached[cached["image_id"].isin(folds.loc[folds["fold"] == fold, "image_id"])],
            cache,
            cache_index,
            checkpoint,
            folder / str(fold) / "stage1",
        )
        for fold, checkpoint in zip(stage1_folds["fold"], listed_checkpoints(stage1_folds, folder), strict=True)
    ]
    return pd.concat([no_predictions(), *tables], ignore_index=True)


def _points(rows: pd.DataFrame, cache: ImageStore, cache_index: pd.DataFrame, checkpoint: Path, folder: Path) -> pd.DataFrame:
    """A network's points, kept beside it: stage 2 is trained on them, and trained again where they differ in the last digit."""
    made_from = {
        "images": fingerprint(rows),
        "pixels": pixels_digest(cache_index, rows["image_id"].tolist()),
        "checkpoint": fingerprint(checkpoint),
    }

    def predict() -> pd.DataFrame:
        from ceph_pipeline.inference.stages import predict_stage1_table

        return predict_stage1_table(rows, cache, checkpoint)

    return kept(folder / "points", made_from, predict)


def _cached(images: pd.DataFrame, cache_index: pd.DataFrame) -> pd.DataFrame:
    return images[images["image_id"].isin(cache_index["image_id"])]

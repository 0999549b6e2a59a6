"""Nodes of pipeline `stage1`."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.images import ImageStore
from ceph_pipeline.training import Stage1Params


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

    learned = images[images["image_id"].isin(cache_index["image_id"]) & (images["split"] != "test")]
    ids, sources = learned["image_id"], learned["source_id"]
    tables = Stage1Tables(
        images=learned,
        landmarks=landmarks[landmarks["image_id"].isin(ids)],
        cvm=cvm[cvm["image_id"].isin(ids)],
        measurements=measurements[measurements["image_id"].isin(ids)],
        source_pixels=source_pixels[source_pixels["image_id"].isin(sources)],
    )
    return train_whole_image_net(tables, cache, folder, params)


def predict_stage1(images: pd.DataFrame, cache: ImageStore, cache_index: pd.DataFrame, checkpoint: Path) -> pd.DataFrame:
    """Locate the landmarks of the validation and test sources, one view an image."""
    from ceph_pipeline.inference.stages import predict_stage1_table

    cached = images[images["image_id"].isin(cache_index["image_id"])]
    return predict_stage1_table(cached[cached["split"] != "train"], cache, checkpoint)

"""Nodes of pipeline `stage1`."""

from functools import cache as once
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.artifacts.cached_table import cached_table
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks.tables import images_in
from ceph_pipeline.training import Stage1Params

if TYPE_CHECKING:
    from ceph_pipeline.detector.tables import WholeImageTables


def train(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: Stage1Params,
    detector: DetectorParams,
) -> Path:
    """Train the whole-image network on the training split and return its best checkpoint.

    Raises:
        ValueError: `detector` names a landmark that the data set does not have. The check avoids an error after the training.
    """
    from ceph_pipeline.training import run
    from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables

    detector.refinement.shares(landmarks["landmark"].unique().tolist())
    tables = Stage1Tables.of_cached(images, cache_index, landmarks, cvm, source_pixels)
    return run.train(Stage1Job(tables, cache, params), folder)


def predict(
    images: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    folder: Path,
    params: DetectorParams,
) -> dict[str, pd.DataFrame]:
    """Predict the landmarks of the validation and test sources without and with TTA, and the outputs of the other heads.

    Points of the untransformed view depend only on the network. Stage 2, whose training uses these points, is therefore not
    trained again after a change of the views.
    """
    sources = ImageSet.of_cache(images_in(images, cache_index, ("valid", "test")), cache, cache_index)

    @once
    def found() -> "WholeImageTables":
        from ceph_pipeline.detector.checkpoint import load_networks
        from ceph_pipeline.detector.tables import whole_image_tables

        return whole_image_tables(load_networks([checkpoint], "stage1", params), sources, params)

    alone = sources.identity() | {"checkpoint": fingerprint(checkpoint)}
    in_views = alone | params.whole_image_settings()
    return {
        "stage1_predictions": cached_table(folder, "stage1_predictions", alone, lambda: found().stage1),
        "stage1_tta_predictions": cached_table(folder, "stage1_tta_predictions", in_views, lambda: found().stage1_tta),
        "head_outputs": cached_table(folder, "head_outputs", alone, lambda: found().head_outputs),
    }

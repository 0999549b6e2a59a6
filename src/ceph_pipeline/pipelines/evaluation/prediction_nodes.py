"""Nodes that apply the trained networks to validation and test images, each keeping its points until something changes."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.artifacts.cached_table import kept, pixels_digest
from ceph_pipeline.evaluation import EvaluationParams, views_of
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.pipelines.evaluation.predicting import film_reader, refined_points, whole_image_points
from ceph_pipeline.views import Views


def predict_stage1_tta(
    images: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Locate the landmarks of the validation and test sources in several views of each."""
    cached = images[images["image_id"].isin(cache_index["image_id"]) & (images["split"] != "train")]
    views = params.tta.views_stage1
    made_from = {
        "images": fingerprint(cached),
        "pixels": pixels_digest(cache_index, cached["image_id"].tolist()),
        "checkpoint": fingerprint(checkpoint),
        "views": [repr(view) for view in views_of(views)],
        "fusion": params.tta.fusion,
    }

    def predict() -> pd.DataFrame:
        return whole_image_points("stage1_tta", [checkpoint], cached, cache, views, params)

    return kept(folder / "stage1_tta", made_from, predict, force=params.force)


def predict_stage2(
    images: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    stage1_predictions: pd.DataFrame,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Refine stage 1's points, each crop seen once."""
    return _refine("stage2", images, raw, cache_index, checkpoint, stage1_predictions, folder, params, "single")


def predict_stage2_tta(
    images: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    stage1_tta_predictions: pd.DataFrame,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Refine the points of stage 1 with test-time augmentation, the crops seen in several views too."""
    views = params.tta.views_stage2
    return _refine("stage2_tta", images, raw, cache_index, checkpoint, stage1_tta_predictions, folder, params, views)


def gather_predictions(*stages: pd.DataFrame) -> pd.DataFrame:
    """All stages' points in one table."""
    return pd.concat(stages, ignore_index=True)


def _refine(
    stage: str,
    images: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    start: pd.DataFrame,
    folder: Path,
    params: EvaluationParams,
    views: Views,
) -> pd.DataFrame:
    image_ids = list(start["image_id"].unique())
    made_from = {
        "images": fingerprint(images[images["image_id"].isin(image_ids)]),
        "pixels": pixels_digest(cache_index, image_ids),
        "checkpoint": fingerprint(checkpoint),
        "starting points": fingerprint(start),
        "views": [repr(view) for view in views_of(views)],
        "refinement": str(params.refinement),
    }

    def predict() -> pd.DataFrame:
        return refined_points(stage, [checkpoint], start, images, film_reader(raw, images), views, params)

    return kept(folder / stage, made_from, predict, force=params.force)

"""Nodes that apply the trained networks to validation and test images, each keeping its points until something changes."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.evaluation import EvaluationParams, View, views_of
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.tables import points_array
from ceph_pipeline.pipelines.evaluation.predicting import kept, pixels_digest, sigmas


def predict_stage1_tta(
    images: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Locate the landmarks of the validation and test sources in several views of each."""
    from ceph_pipeline.inference import predict_whole
    from ceph_pipeline.inference.forward import resolve_device
    from ceph_pipeline.inference.located import prediction_rows
    from ceph_pipeline.training.checkpoint import load_checkpoint

    views = views_of(params.tta.views_stage1)
    cached = images[images["image_id"].isin(cache_index["image_id"]) & (images["split"] != "train")]
    image_ids, sizes = cached["image_id"].tolist(), cached[["width", "height"]].to_numpy()

    def predict() -> pd.DataFrame:
        trained = load_checkpoint(checkpoint, resolve_device(params.device))
        fusion = params.tta.fusion
        located = predict_whole(trained, cache.read, image_ids, sizes, views, batch_size=params.batch_size, fusion=fusion)
        return prediction_rows(located, image_ids, list(trained.landmarks), "stage1_tta")

    made_from = {
        "images": fingerprint(cached),
        "pixels": pixels_digest(cache_index, image_ids),
        "checkpoint": fingerprint(checkpoint),
        "views": [repr(view) for view in views],
        "fusion": params.tta.fusion,
    }
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
    return _refine("stage2", images, raw, cache_index, checkpoint, stage1_predictions, folder, params, views_of("single"))


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
    views = views_of(params.tta.views_stage2)
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
    views: tuple[View, ...],
) -> pd.DataFrame:
    from ceph_pipeline.inference import predict_refined
    from ceph_pipeline.inference.forward import resolve_device
    from ceph_pipeline.inference.located import prediction_rows
    from ceph_pipeline.training.checkpoint import load_checkpoint

    image_ids = list(start["image_id"].unique())
    rows = images.set_index("image_id").loc[image_ids]

    def predict() -> pd.DataFrame:
        trained = load_checkpoint(checkpoint, resolve_device(params.device))
        landmarks = list(trained.landmarks)
        located = predict_refined(
            trained,
            lambda image_id: raw.read(str(rows.loc[image_id, "path"])),
            image_ids,
            points_array(start, image_ids, landmarks),
            pixel_size_mm=rows["pixel_size_mm"].to_numpy(),
            sigma_px=sigmas(start, image_ids, landmarks),
            views=views,
            batch_size=params.crop_batch_size,
        )
        return prediction_rows(located, image_ids, landmarks, stage)

    made_from = {
        "images": fingerprint(rows.reset_index()),
        "pixels": pixels_digest(cache_index, image_ids),
        "checkpoint": fingerprint(checkpoint),
        "starting points": fingerprint(start),
        "views": [repr(view) for view in views],
    }
    return kept(folder / stage, made_from, predict, force=params.force)

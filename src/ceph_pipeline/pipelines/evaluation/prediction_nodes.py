"""Nodes that apply the trained networks to validation and test images, each keeping its points until something changes."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.artifacts import Ledger, atomic_path, fingerprint
from ceph_pipeline.evaluation import VIEW_SETS, EvaluationParams, View
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.tables import points_array

logger = logging.getLogger(__name__)


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

    cached = images[images["image_id"].isin(cache_index["image_id"]) & (images["split"] != "train")]
    image_ids, sizes = cached["image_id"].tolist(), cached[["width", "height"]].to_numpy()

    def predict() -> pd.DataFrame:
        trained = load_checkpoint(checkpoint, resolve_device(params.device))
        views = VIEW_SETS[params.tta.views_stage1]
        fusion = params.tta.fusion
        located = predict_whole(trained, cache.read, image_ids, sizes, views, batch_size=params.batch_size, fusion=fusion)
        return prediction_rows(located, image_ids, list(trained.landmarks), "stage1_tta")

    made_from = {
        "images": fingerprint(cached),
        "pixels": pixels_digest(cache_index, image_ids),
        "checkpoint": fingerprint(checkpoint),
        "views": params.tta.views_stage1,
        "fusion": params.tta.fusion,
    }
    return _kept(folder / "stage1_tta", made_from, predict, force=params.force)


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
    return _refine("stage2", images, raw, cache_index, checkpoint, stage1_predictions, folder, params, VIEW_SETS["single"])


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
    views = VIEW_SETS[params.tta.views_stage2]
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
            sigma_px=_sigmas(start, image_ids, landmarks),
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
    return _kept(folder / stage, made_from, predict, force=params.force)


def pixels_digest(cache_index: pd.DataFrame, image_ids: list[str]) -> str:
    """Digest of some images' pixels, as ingestion found them."""
    return fingerprint(cache_index[cache_index["image_id"].isin(image_ids)])


def _sigmas(predictions: pd.DataFrame, image_ids: list[str], landmarks: list[str]) -> NDArray[np.float64]:
    """Standard deviations `(N, K)` of predictions, in the given orders."""
    column = predictions.set_index(["image_id", "landmark"])["sigma_px"]
    full = pd.MultiIndex.from_product([image_ids, landmarks])
    return column.reindex(full).to_numpy(np.float64).reshape(len(image_ids), len(landmarks))


def _kept(folder: Path, made_from: dict[str, Any], predict: Callable[[], pd.DataFrame], *, force: bool) -> pd.DataFrame:
    """The table that the folder keeps, predicted anew only where what it is made from has changed."""
    ledger, file = Ledger(folder), folder / "predictions.parquet"
    digest = fingerprint(made_from)
    if ledger.is_complete(digest) and file.exists() and not force:
        logger.info("%s: nothing has changed, the points in %s stand", folder.name, file)
        return pd.read_parquet(file)
    if changed := ledger.difference(made_from) if ledger.read() else {}:
        logger.info("%s: predicted again, since other than before: %s", folder.name, ", ".join(changed))
    ledger.begin(digest, made_from)
    table = predict()
    with atomic_path(file) as temporary:
        table.to_parquet(temporary, index=False)
    ledger.finish()
    logger.info("%s: %s points of %d images", folder.name, f"{len(table):,}", table["image_id"].nunique())
    return table

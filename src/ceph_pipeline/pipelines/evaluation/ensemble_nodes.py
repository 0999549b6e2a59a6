"""Nodes that apply the detectors trained without each fold: out of fold to training sources, together to all others."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.evaluation import EvaluationParams, views_of
from ceph_pipeline.evaluation.errors import stage_error_rows
from ceph_pipeline.evaluation.generalisation_gap import cross_validate
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.inference.kept import kept, pixels_digest
from ceph_pipeline.inference.located import no_predictions
from ceph_pipeline.landmarks.tables import reader_points
from ceph_pipeline.pipelines.evaluation.predicting import film_reader, refined_points, whole_image_points
from ceph_pipeline.pipelines.evaluation.tracking import log_metrics
from ceph_pipeline.training.folds import listed_checkpoints

logger = logging.getLogger(__name__)


def predict_out_of_fold(
    folds: pd.DataFrame,
    fold_stage1_predictions: pd.DataFrame,
    stage2_folds: pd.DataFrame,
    images: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    members: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Both stages' points on each training source by the detector that was trained without its fold, one view an image.

    Where some folds have both stages, sources of the others are left out: stages are compared on the same images.
    """
    if stage2_folds.empty:
        return fold_stage1_predictions
    own_fold = fold_stage1_predictions["image_id"].map(folds.set_index("image_id")["fold"])
    start = fold_stage1_predictions[own_fold.isin(stage2_folds["fold"])]
    located = images[images["image_id"].isin(start["image_id"])]
    refiners = stage2_folds[stage2_folds["fold"].isin(own_fold)]

    checkpoints, films = listed_checkpoints(refiners, members), film_reader(raw, images)

    def predict() -> pd.DataFrame:
        refined = [
            refined_points("stage2", [path], start[own_fold[start.index] == fold], images, films, "single", params)
            for fold, path in zip(refiners["fold"], checkpoints, strict=True)
        ]
        return pd.concat([start, *refined], ignore_index=True)

    made_from = {
        "images": fingerprint(located),
        "pixels": pixels_digest(cache_index, located["image_id"].tolist()),
        "folds": fingerprint(folds),
        "checkpoints": fingerprint(refiners),
        "starting points": fingerprint(start),
        "refinement": str(params.refinement),
    }
    return kept(folder / "out_of_fold", made_from, predict, force=params.force)


def predict_ensemble(
    images: pd.DataFrame,
    raw: RawFolder,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    stage1: Path,
    stage2: Path,
    stage1_folds: pd.DataFrame,
    stage2_folds: pd.DataFrame,
    members: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Validation and test sources seen by all detectors together, in all views; no rows where there is one detector alone."""
    if stage1_folds.empty or stage2_folds.empty:
        return no_predictions()
    cached = images[images["image_id"].isin(cache_index["image_id"]) & (images["split"] != "train")]
    whole = [stage1, *listed_checkpoints(stage1_folds, members)]
    refiners = [stage2, *listed_checkpoints(stage2_folds, members)]
    views = params.tta
    members_in_words = ", ".join(str(fold) for fold in stage2_folds["fold"])
    logger.info("the ensemble is the main detector and those trained without fold %s", members_in_words)

    def predict() -> pd.DataFrame:
        start = whole_image_points("ensemble", whole, cached, cache, views.views_stage1, params)
        return refined_points("ensemble", refiners, start, images, film_reader(raw, images), views.views_stage2, params)

    made_from: dict[str, Any] = {
        "images": fingerprint(cached),
        "pixels": pixels_digest(cache_index, cached["image_id"].tolist()),
        "stage 1": [fingerprint(path) for path in whole],
        "stage 2": [fingerprint(path) for path in refiners],
        "views": [[repr(view) for view in views_of(asked)] for asked in (views.views_stage1, views.views_stage2)],
        "fusion": views.fusion,
        "refinement": str(params.refinement),
    }
    return kept(folder / "ensemble", made_from, predict, force=params.force)


def summarise_folds(
    fold_predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> dict[str, Any]:
    """Judge both stages on the training sources, each seen by the detector that has not learned from it; empty without folds."""
    if fold_predictions.empty:
        return {}
    errors = stage_error_rows(fold_predictions, reader_points(landmarks, params.reader), images)
    report = cross_validate(errors, params.statistics)
    log_metrics({f"out_of_fold.{stage}.mre_px": fields["mre_px"] for stage, fields in report["stages"].items()})
    return report

"""Nodes of pipeline `folds`."""

from functools import cache as once
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.artifacts.cached_table import cached_table
from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.tables import images_in, reader_points
from ceph_pipeline.training import FoldParams, Stage1Params, Stage2Params

if TYPE_CHECKING:
    from ceph_pipeline.detector.tables import WholeImageTables


def assign_folds(images: pd.DataFrame, duplicates: pd.DataFrame, params: FoldParams) -> pd.DataFrame:
    """Assign each training source to a fold."""
    from ceph_pipeline.training import folds

    return folds.assign_folds(images, duplicates, params.count, params.seed)


def train_stage1(
    folds: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: Stage1Params,
    fold_params: FoldParams,
    detector: DetectorParams,
) -> pd.DataFrame:
    """Train one whole-image network per fold, without the fold's sources, and list the checkpoints.

    Raises:
        ValueError: `detector` names a landmark that the data set does not have. The check avoids an error after the trainings.
    """
    from ceph_pipeline.training import run
    from ceph_pipeline.training.folds import checkpoint_table, resplit
    from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables

    detector.refinement.shares(landmarks["landmark"].unique().tolist())
    cached = images_in(images, cache_index)
    checkpoints = {}
    for fold in fold_params.wanted:
        tables = Stage1Tables.of(resplit(cached, folds, fold), landmarks, cvm, source_pixels)
        job = Stage1Job(tables, cache, params)
        checkpoints[fold] = run.train(job, folder / str(fold) / "stage1", f"stage1 without fold {fold}")
    return checkpoint_table(checkpoints, folder)


def predict_stage1(
    folds: pd.DataFrame,
    checkpoints: pd.DataFrame,
    images: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    predictions: Path,
    params: DetectorParams,
) -> dict[str, pd.DataFrame]:
    """Predict each training source's landmarks with the network trained without its fold, without and with TTA.

    Points of the untransformed view depend only on the networks. Stage 2, whose crops are displaced by errors of these points,
    is thus not trained again after a change of the views.
    """
    from ceph_pipeline.training.folds import listed_checkpoints

    paths = listed_checkpoints(checkpoints, folder)
    held_out = [images[images["image_id"].isin(folds.loc[folds["fold"] == fold, "image_id"])] for fold in checkpoints["fold"]]

    @once
    def found() -> "WholeImageTables":
        from ceph_pipeline.detector.checkpoint import load_networks
        from ceph_pipeline.detector.tables import WholeImageTables, whole_image_tables

        each = [
            whole_image_tables(load_networks([path], "stage1", params), ImageSet.of_cache(rows, cache, cache_index), params)
            for rows, path in zip(held_out, paths, strict=True)
        ]
        return WholeImageTables(*(pd.concat(tables, ignore_index=True) for tables in zip(*each, strict=True)))

    made_from = {
        "images": [fingerprint(rows) for rows in held_out],
        "pixels": fingerprint(cache_index[cache_index["image_id"].isin(folds["image_id"])]),
        "checkpoints": fingerprint(checkpoints),
    }
    in_all = made_from | params.whole_image_settings()
    alone, tta = "fold_stage1_predictions", "fold_stage1_tta_predictions"
    return {
        alone: cached_table(predictions, alone, made_from, lambda: found().stage1),
        tta: cached_table(predictions, tta, in_all, lambda: found().stage1_tta),
    }


def train_stage2(
    folds: pd.DataFrame,
    stage1_predictions: pd.DataFrame,
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
    """Train one refinement network per fold, on crops displaced by stage 1's errors on the fold; list the checkpoints."""
    from ceph_pipeline.crops import training_index
    from ceph_pipeline.training import run
    from ceph_pipeline.training.folds import checkpoint_table, delete_surplus_folds, resplit
    from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

    checkpoints = {}
    for fold in fold_params.wanted:
        learned = resplit(images, folds, fold)
        crops = training_index(
            learned,
            landmarks[landmarks["image_id"].isin(learned["image_id"])],
            images=resplit(sources, folds, fold, by="image_id"),
            landmarks=source_landmarks,
            stage1_predictions=stage1_predictions,
            params=crop_params,
        )
        job = Stage2Job(Stage2Tables.of(crops, learned, landmarks, source_pixels), store, crop_params, params)
        checkpoints[fold] = run.train(job, folder / str(fold) / "stage2", f"stage2 without fold {fold}")
    if fold_params.only is None:
        delete_surplus_folds(folder, fold_params.count)
    return checkpoint_table(checkpoints, folder)


def predict_stage2(
    folds: pd.DataFrame,
    stage1_predictions: pd.DataFrame,
    stage1_tta_predictions: pd.DataFrame,
    checkpoints: pd.DataFrame,
    images: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    folder: Path,
    predictions: Path,
    params: DetectorParams,
) -> pd.DataFrame:
    """Points of both stages on each training source, predicted by the detector trained without its fold.

    If only some folds have a stage 2, sources of the other folds are omitted, so that stages are compared on the same images.
    """
    from ceph_pipeline.training.folds import listed_checkpoints

    fold_of = folds.set_index("image_id")["fold"]
    whole = pd.concat([stage1_predictions, stage1_tta_predictions], ignore_index=True)
    start = whole[whole["image_id"].map(fold_of).isin(checkpoints["fold"])]
    paths = listed_checkpoints(checkpoints, folder)
    originals = ImageSet.of_originals(images[images["image_id"].isin(start["image_id"])], raw, cache_index)

    def predict() -> pd.DataFrame:
        from ceph_pipeline.detector.checkpoint import load_networks
        from ceph_pipeline.detector.tables import refined_tables, starts_from

        refined: list[pd.DataFrame] = []
        for fold, path in zip(checkpoints["fold"], paths, strict=True):
            seen = start[start["image_id"].map(fold_of) == fold]
            alone, tta = (seen[seen["stage"] == stage] for stage in ("stage1", "stage1_tta"))
            starts = starts_from(alone, tta, params)
            refined += refined_tables(load_networks([path], "stage2", params), originals, starts, params).values()
        return pd.concat([start, *refined], ignore_index=True)

    made_from = {
        **originals.identity(),
        "folds": fingerprint(folds),
        "checkpoints": fingerprint(checkpoints),
        "starting points": fingerprint(start),
        **params.crop_settings(),
    }
    return cached_table(predictions, "fold_predictions", made_from, predict)


def cross_validate(
    fold_predictions: pd.DataFrame,
    folds: pd.DataFrame,
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    params: EvaluationParams,
    detector: DetectorParams,
) -> dict[str, Any]:
    """Evaluate both stages on the training sources, each predicted by the detector trained without its fold."""
    from ceph_pipeline.evaluation import cross_validation
    from ceph_pipeline.evaluation.errors import stage_error_rows
    from ceph_pipeline.evaluation.run_metrics import as_logged
    from ceph_pipeline.evaluation.stage1_share import suggest_shares
    from ceph_pipeline.evaluation.subset import only_evaluated

    located = [str(name) for name in fold_predictions["landmark"].unique()]
    shares = dict(zip(located, detector.refinement.shares(located).tolist(), strict=True))
    fold_predictions, landmarks = only_evaluated(fold_predictions, landmarks, params.landmarks)
    truth = reader_points(landmarks, params.reader)
    errors = stage_error_rows(fold_predictions, truth, images)
    report = cross_validation.cross_validate(errors, params.statistics)
    report["shares"] = suggest_shares(fold_predictions, truth, folds, shares)
    metrics = {f"out_of_fold.{stage}.mre_px": fields["mre_px"] for stage, fields in report["stages"].items()}
    return {"fold_errors": errors, "cross_validation": report, "cross_validation_metrics": as_logged(metrics)}

"""Nodes of pipeline `ensemble`."""

import logging
from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts.cached_table import cached_table
from ceph_pipeline.audit import AuditParams
from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.files import DetectorFiles, files_in, list_detectors
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.tables import ENSEMBLE, images_in
from ceph_pipeline.training import EnsembleParams, Stage1Params, Stage2Params

logger = logging.getLogger(__name__)


def assign_validation(images: pd.DataFrame, duplicates: pd.DataFrame, params: EnsembleParams, audit: AuditParams) -> pd.DataFrame:
    """List the training and validation images with the detector that each image validates."""
    from ceph_pipeline.training import folds

    if params.validation == "shared":
        return folds.shared_validation(images)
    keep = audit.exclusions.cross_split_duplicates == "keep"
    return folds.assign_own_validation(images, duplicates, params.count, params.seed, learn_copies_of_test=keep)


def train(
    crops: pd.DataFrame,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    store: ImageStore,
    stage1_checkpoint: Path,
    stage2_checkpoint: Path,
    folds: pd.DataFrame,
    folder: Path,
    stage1: Stage1Params,
    crop_params: CropParams,
    stage2: Stage2Params,
    params: EnsembleParams,
    detector: DetectorParams,
) -> Path:
    """Train detectors 1, 2, … like detector 0 with other seeds, and copy detector 0 into their folder.

    With own validation images, detector k is validated on fold k and trained on the other folds. No detector is trained on test
    images. Detectors beyond `count` that were trained earlier are kept, but not used.

    Raises:
        ValueError: `detector` names a landmark that the data set does not have. The check avoids an error after the trainings.
    """
    from ceph_pipeline.training import run
    from ceph_pipeline.training.ensemble import copy_detector, reseeded
    from ceph_pipeline.training.folds import resplit
    from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables
    from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

    detector.refinement.shares(landmarks["landmark"].unique().tolist())
    own, cached = _has_own_validation(folds), images_in(images, cache_index)
    if own:
        _warn_of_fewer_copies(images)
    for number in range(1, params.count):
        fold = number if own else 0
        whole = Stage1Tables.of(resplit(cached, folds, fold), landmarks, cvm, source_pixels)
        cut = Stage2Tables.of(resplit(crops, folds, fold), resplit(images, folds, fold), landmarks, source_pixels)
        place, name = folder / str(number), f"of detector {number}"
        run.train(Stage1Job(whole, cache, reseeded(stage1, number)), place / "stage1", f"stage1 {name}")
        run.train(Stage2Job(cut, store, crop_params, reseeded(stage2, number)), place / "stage2", f"stage2 {name}")
    copy_detector(DetectorFiles.of(stage1_checkpoint, stage2_checkpoint), folder / "0")
    list_detectors(folder, range(params.count))
    return folder


def predict(
    images: pd.DataFrame,
    raw: RawFolder,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    ensemble: Path,
    folds: pd.DataFrame,
    folder: Path,
    detector: DetectorParams,
) -> pd.DataFrame:
    """Predict the landmarks of images that no detector was trained on with all detectors, in the configured views.

    These are the test sources and, if the detectors share them, the validation sources.
    """
    splits = ("test",) if _has_own_validation(folds) else ("valid", "test")
    parts = [(images_in(images, cache_index, splits), files_in(ensemble))]
    return _cached_predictions("ensemble_predictions", parts, raw, cache, cache_index, folder, detector)


def predict_held_out(
    images: pd.DataFrame,
    raw: RawFolder,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    ensemble: Path,
    folds: pd.DataFrame,
    folder: Path,
    detector: DetectorParams,
) -> pd.DataFrame:
    """Predict the own validation images of each detector with this detector, the only one that was not trained on them.

    The table has no rows if all detectors share the validation split.
    """
    files = files_in(ensemble)
    fold = images["image_id"].map(folds.set_index("image_id")["fold"])
    numbers = range(len(files.stage1)) if _has_own_validation(folds) else ()
    parts = [(images[fold == number], files.detector(number)) for number in numbers]
    return _cached_predictions("ensemble_held_out_predictions", parts, raw, cache, cache_index, folder, detector)


def _has_own_validation(folds: pd.DataFrame) -> bool:
    """Whether each detector of the ensemble has own validation images, by the table that it was trained with."""
    return bool((folds["fold"] > 0).any())


def _warn_of_fewer_copies(images: pd.DataFrame) -> None:
    """Warn if validation images, which the further detectors learn, have fewer copies than training images."""
    each = images.groupby("split")["image_id"].count() / images.groupby("split")["source_id"].nunique()
    if each.get("valid", 1) < each.get("train", 1):
        logger.warning(
            "each validation image has %.1f images and copies, each training image %.1f: the further detectors learn less from "
            "validation images. To give them copies, add valid to augmentation.recipe.*.splits",
            *(each.get("valid", 1), each.get("train", 1)),
        )


def _cached_predictions(
    name: str,
    parts: list[tuple[pd.DataFrame, DetectorFiles]],
    raw: RawFolder,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: DetectorParams,
) -> pd.DataFrame:
    """The table `name` of predictions: for each part, the images and the detectors that predict them."""
    sets = [
        (ImageSet.of_cache(rows, cache, cache_index), ImageSet.of_originals(rows, raw, cache_index), files)
        for rows, files in parts
        if not rows.empty
    ]
    made_from = {
        "images and networks": [originals.identity() | files.digests() for _, originals, files in sets],
        "whole images": params.whole_image_settings(),
        "crops": params.crop_settings(),
    }

    def located() -> pd.DataFrame:
        from ceph_pipeline.detector.checkpoint import load_networks
        from ceph_pipeline.detector.located import no_predictions
        from ceph_pipeline.detector.tables import Start, refined_tables, whole_image_tables

        tables = []
        for sources, originals, files in sets:
            whole = whole_image_tables(load_networks(files.stage1, "stage1", params), sources, params).stage1_tta
            starts = {ENSEMBLE: Start(whole, params.views_stage2)}
            tables.append(refined_tables(load_networks(files.stage2, "stage2", params), originals, starts, params)[ENSEMBLE])
        return pd.concat(tables, ignore_index=True) if tables else no_predictions()

    return cached_table(folder, name, made_from, located)

"""Nodes of pipeline `ensemble`."""

from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts.cached_table import cached_table
from ceph_pipeline.crops.params import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.files import DetectorFiles, files_in, list_detectors
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.tables import ENSEMBLE, images_in
from ceph_pipeline.training import EnsembleParams, Stage1Params, Stage2Params


def assign_validation(
    images: pd.DataFrame, augmented_images: pd.DataFrame, duplicates: pd.DataFrame, params: EnsembleParams
) -> pd.DataFrame:
    """List the images that the audit has not excluded, each with the detector whose validation image it is, as a fold."""
    from ceph_pipeline.training import folds

    learned = images[images["image_id"].isin(augmented_images["source_id"])]
    return folds.assign_validation(learned, duplicates, params.count, params.seed)


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
) -> Path:
    """Train detectors 1, 2, … like detector 0 with other seeds, and copy detector 0 into their folder.

    Detector k is validated on fold k and trained on the other folds, or on the split of detector 0 if they share the validation
    images. No detector is trained on test images. Detectors beyond `count` that were trained earlier are kept, but not used.
    """
    from ceph_pipeline.training import run
    from ceph_pipeline.training.ensemble import copy_detector, reseeded
    from ceph_pipeline.training.folds import resplit
    from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables
    from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

    cached = images_in(images, cache_index)
    for number in range(1, params.count):
        fold = number if params.validation == "own" else 0
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
    folder: Path,
    params: EnsembleParams,
    detector: DetectorParams,
) -> pd.DataFrame:
    """Predict the landmarks of the validation and test sources, in the configured views.

    Test images are predicted by all detectors. If each detector has own validation images, the validation split is predicted by
    detector 0 alone, because the other detectors were trained on it.
    """
    files = files_in(ensemble)
    of_validation = files if params.validation == "shared" else files.detector(0)
    shown = images_in(images, cache_index)
    parts = [(shown[shown["split"] == split], by) for split, by in (("valid", of_validation), ("test", files))]
    return _cached_predictions("ensemble_predictions", parts, raw, cache, cache_index, folder, detector)


def predict_held_out(
    images: pd.DataFrame,
    raw: RawFolder,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    ensemble: Path,
    folds: pd.DataFrame,
    folder: Path,
    params: EnsembleParams,
    detector: DetectorParams,
) -> pd.DataFrame:
    """Predict the own validation images of detectors 1, 2, …, each by the detector that was not trained on them.

    The table has no rows if all detectors share the validation split.
    """
    files = files_in(ensemble)
    fold = images["image_id"].map(folds.set_index("image_id")["fold"])
    further = range(1, params.count if params.validation == "own" else 1)
    parts = [(images[fold == number], files.detector(number)) for number in further]
    return _cached_predictions("ensemble_held_out_predictions", parts, raw, cache, cache_index, folder, detector)


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

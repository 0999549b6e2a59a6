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
    folder: Path,
    stage1: Stage1Params,
    crop_params: CropParams,
    stage2: Stage2Params,
    params: EnsembleParams,
) -> Path:
    """Train detectors 1, 2, … like detector 0 with other seeds, and copy detector 0 into their folder.

    All detectors are trained on the same split, so no detector was trained on validation or test images. Detectors beyond
    `count` that were trained earlier are kept, but not used.
    """
    from ceph_pipeline.training import run
    from ceph_pipeline.training.ensemble import copy_detector, reseeded
    from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables
    from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

    whole = Stage1Tables.of_cached(images, cache_index, landmarks, cvm, source_pixels)
    cut = Stage2Tables.of(crops, images[images["split"] != "test"], landmarks, source_pixels)
    for number in range(1, params.count):
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
    params: DetectorParams,
) -> pd.DataFrame:
    """Predict the landmarks of the validation and test sources with all detectors, in the configured views."""
    rows = images_in(images, cache_index, ("valid", "test"))
    sources, originals = ImageSet.of_cache(rows, cache, cache_index), ImageSet.of_originals(rows, raw, cache_index)
    files = files_in(ensemble)
    made_from = {
        **originals.identity(),
        **files.digests(),
        "whole images": params.whole_image_settings(),
        "crops": params.crop_settings(),
    }

    def predict() -> pd.DataFrame:
        from ceph_pipeline.detector.checkpoint import load_networks
        from ceph_pipeline.detector.tables import Start, refined_tables, whole_image_tables

        whole = whole_image_tables(load_networks(files.stage1, "stage1", params), sources, params).stage1_tta
        starts = {ENSEMBLE: Start(whole, params.views_stage2)}
        return refined_tables(load_networks(files.stage2, "stage2", params), originals, starts, params)[ENSEMBLE]

    return cached_table(folder, "ensemble_predictions", made_from, predict)

"""Nodes that apply the trained networks to validation and test sources, copies and training sources."""

from pathlib import Path

import numpy as np
import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.artifacts.cached_table import cached_table
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.robustness import ORIGINAL
from ceph_pipeline.images import ImageStore, RawFolder


def predict_stage2(
    images: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    checkpoint: Path,
    stage1_predictions: pd.DataFrame,
    stage1_tta_predictions: pd.DataFrame,
    folder: Path,
    params: EvaluationParams,
    detector: DetectorParams,
) -> pd.DataFrame:
    """Refine stage 1's points: without TTA in the untransformed view of the crops, with TTA in all views."""
    originals = ImageSet.of_originals(images, raw, cache_index)
    points = pd.concat([stage1_predictions, stage1_tta_predictions])
    made_from = {
        **originals.only(set(points["image_id"])).identity(),
        "checkpoint": fingerprint(checkpoint),
        "starting points": fingerprint(points),
        **detector.crop_settings(),
    }

    def predict() -> pd.DataFrame:
        from ceph_pipeline.detector.checkpoint import load_networks
        from ceph_pipeline.detector.tables import refined_tables, starts_from

        starts = starts_from(stage1_predictions, stage1_tta_predictions, detector)
        networks = load_networks([checkpoint], "stage2", detector)
        return pd.concat(refined_tables(networks, originals, starts, detector).values(), ignore_index=True)

    return cached_table(folder, "stage2_predictions", made_from, predict, force=params.force)


def gather_predictions(*stages: pd.DataFrame) -> pd.DataFrame:
    """All stages' points in one table."""
    return pd.concat(stages, ignore_index=True)


def predict_copies(
    augmented_images: pd.DataFrame,
    cache: ImageStore,
    store: ImageStore,
    stage1: Path,
    folder: Path,
    params: EvaluationParams,
    detector: DetectorParams,
    stage2: Path | None = None,
) -> pd.DataFrame:
    """Predict the landmarks of augmented copies of validation and test sources, only for the robustness table."""
    wanted = params.robustness
    splits, stages = (wanted.splits, wanted.stages) if wanted else ((), ())
    rows = augmented_images[augmented_images["split"].isin(splits) & (augmented_images["kind"] != ORIGINAL)]
    refiner = stage2 if "stage2" in stages else None
    images = ImageSet.of_copies(rows, cache)
    made_from = images.identity() | _networks(stage1, refiner) | {"refinement": detector.refinement.model_dump(mode="json")}

    def predict() -> pd.DataFrame:
        return _single_view(images, ImageSet(rows, store.read, images.pixels), stage1, refiner, detector)

    table = cached_table(folder, "copy_predictions", made_from, predict, force=params.force)
    return table[table["stage"].isin(stages)].reset_index(drop=True)


def predict_training_sample(
    images: pd.DataFrame,
    augmented_images: pd.DataFrame,
    raw: RawFolder,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    stage1: Path,
    folder: Path,
    params: EvaluationParams,
    detector: DetectorParams,
    stage2: Path | None = None,
) -> pd.DataFrame:
    """Predict the landmarks of some training images, to compare training and validation errors."""
    trained = images[(images["split"] == "train") & images["image_id"].isin(augmented_images["source_id"])].sort_values(
        "image_id"
    )
    rng = np.random.default_rng(np.random.SeedSequence([params.statistics.seed, len(trained)]))
    rows = trained.iloc[np.sort(rng.permutation(len(trained))[: params.training_images])]
    cached = ImageSet.of_cache(rows, cache, cache_index)
    made_from = cached.identity() | _networks(stage1, stage2) | {"refinement": detector.refinement.model_dump(mode="json")}

    def predict() -> pd.DataFrame:
        return _single_view(cached, ImageSet.of_originals(rows, raw, cache_index), stage1, stage2, detector)

    return cached_table(folder, "training_predictions", made_from, predict, force=params.force)


def _networks(stage1: Path, stage2: Path | None) -> dict[str, str | None]:
    return {"stage 1": fingerprint(stage1), "stage 2": None if stage2 is None else fingerprint(stage2)}


def _single_view(
    cached: ImageSet, whole_size: ImageSet, stage1: Path, stage2: Path | None, detector: DetectorParams
) -> pd.DataFrame:
    """The points of stage 1 and, if its checkpoint is given, of stage 2; no rows without images."""
    from ceph_pipeline.detector.checkpoint import load_networks
    from ceph_pipeline.detector.located import no_predictions
    from ceph_pipeline.detector.tables import Start, refined_tables, whole_image_tables

    if cached.rows.empty:
        return no_predictions()
    params = detector.in_one_view()
    whole = whole_image_tables(load_networks([stage1], "stage1", params), cached, params).stage1
    if stage2 is None:
        return whole
    networks = load_networks([stage2], "stage2", params)
    refined = refined_tables(networks, whole_size, {"stage2": Start(whole, "single")}, params)
    return pd.concat([whole, *refined.values()], ignore_index=True)

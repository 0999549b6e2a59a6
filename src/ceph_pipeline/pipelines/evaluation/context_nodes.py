"""Nodes that predict what puts the headline into perspective: copies, training images, and the heads beside the heatmaps."""

from pathlib import Path

import numpy as np
import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.artifacts.cached_table import kept, pixels_digest
from ceph_pipeline.detector.located import no_predictions
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.robustness import ORIGINAL
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.pipelines.evaluation.predicting import (
    Subjects,
    film_reader,
    predict_single_view,
)


def predict_copies(
    copied: pd.DataFrame,
    small: ImageStore,
    full: ImageStore,
    stage1: Path,
    stage2: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Locate the landmarks of augmented copies of validation and test sources, for the robustness table alone."""
    wanted = params.robustness
    if wanted is None:
        return no_predictions()
    rows = copied[copied["split"].isin(wanted.splits) & (copied["kind"] != ORIGINAL)]
    if rows.empty:
        return no_predictions()
    subjects = Subjects(rows, small, full.read)
    refiner = stage2 if "stage2" in wanted.stages else None
    made_from = {
        "copies": fingerprint(rows),
        "pixels": fingerprint([fingerprint(small.read(image_id)) for image_id in rows["image_id"].tolist()]),
        "stage 1": fingerprint(stage1),
        "stage 2": None if refiner is None else fingerprint(refiner),
        "refinement": str(params.refinement),
    }
    table = kept(folder / "copies", made_from, lambda: predict_single_view(subjects, stage1, refiner, params), force=params.force)
    return table[table["stage"].isin(wanted.stages)].reset_index(drop=True)


def predict_training_sample(
    images: pd.DataFrame,
    copied: pd.DataFrame,
    raw: RawFolder,
    small: ImageStore,
    small_index: pd.DataFrame,
    stage1: Path,
    stage2: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Locate the landmarks of some images that the networks have learned from, to see how much better they know them."""
    trained = images[(images["split"] == "train") & images["image_id"].isin(copied["source_id"])].sort_values("image_id")
    if not params.training_images or trained.empty:
        return no_predictions()
    rng = np.random.default_rng(np.random.SeedSequence([params.statistics.seed, len(trained)]))
    drawn = np.sort(rng.permutation(len(trained))[: params.training_images])
    rows = trained.iloc[drawn]
    subjects = Subjects(rows, small, film_reader(raw, rows))
    made_from = {
        "images": fingerprint(rows),
        "pixels": pixels_digest(small_index, rows["image_id"].tolist()),
        "stage 1": fingerprint(stage1),
        "stage 2": fingerprint(stage2),
        "refinement": str(params.refinement),
    }
    return kept(
        folder / "training_sample", made_from, lambda: predict_single_view(subjects, stage1, stage2, params), force=params.force
    )


def predict_head_outputs(
    images: pd.DataFrame,
    small: ImageStore,
    small_index: pd.DataFrame,
    stage1: Path,
    folder: Path,
    params: EvaluationParams,
) -> pd.DataFrame:
    """The CVM stage and the vertical measurements that stage 1's other heads give the validation and test sources."""
    from ceph_pipeline.detector.checkpoint import load_checkpoint
    from ceph_pipeline.detector.forward import resolve_device
    from ceph_pipeline.pipelines.evaluation.heads import predict_heads

    rows = images[images["image_id"].isin(small_index["image_id"]) & (images["split"] != "train")]
    image_ids = [str(image_id) for image_id in rows["image_id"]]

    def predict() -> pd.DataFrame:
        trained = load_checkpoint(stage1, resolve_device(params.device))
        return predict_heads(
            trained, small, image_ids, rows[["width", "height"]].to_numpy(np.int64), batch_size=params.batch_size
        )

    made_from = {
        "images": fingerprint(rows),
        "pixels": pixels_digest(small_index, image_ids),
        "stage 1": fingerprint(stage1),
    }
    return kept(folder / "head_outputs", made_from, predict, force=params.force)

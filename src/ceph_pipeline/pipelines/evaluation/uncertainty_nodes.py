"""Nodes that learn uncertainty on the validation split and check it on the test split."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.report import on_split
from ceph_pipeline.evaluation.tta import Views, views_in_words
from ceph_pipeline.evaluation.uncertainty import assessments, checked_stages, flag_curves, learn, reliability_table, unseen_errors
from ceph_pipeline.evaluation.uncertainty_tables import radius_lines, scalar_metrics
from ceph_pipeline.inference.trust import network_digests
from ceph_pipeline.pipelines.evaluation.tracking import log_metrics
from ceph_pipeline.training.folds import listed_checkpoints
from ceph_pipeline.uncertainty import StageUncertainty

logger = logging.getLogger(__name__)


def learn_uncertainty(
    errors: pd.DataFrame,
    predictions: pd.DataFrame,
    images: pd.DataFrame,
    stage1: Path,
    stage2: Path,
    stage1_folds: pd.DataFrame,
    stage2_folds: pd.DataFrame,
    members: Path,
    params: EvaluationParams,
) -> dict[str, Any]:
    """What validation says of each stage's uncertainty, with the networks and views it holds for; empty where none is wanted."""
    if params.uncertainty is None:
        return {}
    alone = network_digests([stage1], [stage2])
    together = network_digests(
        [stage1, *listed_checkpoints(stage1_folds, members)],
        [stage2, *listed_checkpoints(stage2_folds, members)],
    )
    return {
        stage: StageUncertainty(
            networks=together
            if stage == "ensemble"
            else {name: digest for name, digest in alone.items() if name <= stage.removesuffix("_tta")},
            views=_views(stage, params),
            models=models,
        ).to_report()
        for stage, models in learn(errors, predictions, images, params.uncertainty).items()
    }


def check_uncertainty(
    errors: pd.DataFrame,
    predictions: pd.DataFrame,
    images: pd.DataFrame,
    duplicates: pd.DataFrame,
    uncertainty_models: dict[str, Any],
) -> dict[str, Any]:
    """Whether that holds on test sources without a near-duplicate among those learned from."""
    models = {stage: dict(StageUncertainty.from_report(report).models) for stage, report in uncertainty_models.items()}
    unseen = unseen_errors(errors, images, duplicates)
    left_out = set(on_split(errors, images, "test")["image_id"]) - set(unseen["image_id"])
    checked = checked_stages(unseen, predictions, images, models)
    found = {"learned": list(models), "n_left_out": len(left_out), "stages": assessments(checked)}
    log_metrics(scalar_metrics(found))
    for line in radius_lines(found)[:1]:
        logger.info("uncertainty: %s", line)
    return {"uncertainty": found, "reliability": reliability_table(checked), "flag_curves": flag_curves(checked)}


def _views(stage: str, params: EvaluationParams) -> str:
    """What a stage's points were made from."""
    tta = params.tta
    with_views = stage.endswith("_tta") or stage == "ensemble"
    first: Views = tta.views_stage1 if with_views else "single"
    second: Views = tta.views_stage2 if with_views else "single"
    return views_in_words(first, tta.fusion, None if stage.startswith("stage1") else second, params.refinement)

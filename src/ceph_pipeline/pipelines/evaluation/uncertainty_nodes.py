"""Nodes that fit uncertainty and plausibility on validation and training images, and evaluate them on the test split."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.files import DetectorFiles
from ceph_pipeline.evaluation import EvaluationParams, plausibility
from ceph_pipeline.evaluation.headline import on_split
from ceph_pipeline.evaluation.uncertainty import assessments, checked_stages, flag_curves, learn, reliability_table, unseen_errors
from ceph_pipeline.evaluation.uncertainty_tables import radius_lines
from ceph_pipeline.landmarks.tables import ENSEMBLE, reader_points
from ceph_pipeline.plausibility import PlausibilityParams, ShapePrior, judge_shapes
from ceph_pipeline.uncertainty import StageUncertainty

logger = logging.getLogger(__name__)


def learn_uncertainty(
    errors: pd.DataFrame,
    predictions: pd.DataFrame,
    images: pd.DataFrame,
    stage1: Path,
    params: EvaluationParams,
    detector: DetectorParams,
    stage2: Path | None = None,
    ensemble: Path | None = None,
    held_out_errors: pd.DataFrame | None = None,
    held_out_predictions: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Calibrate each stage's uncertainty, valid for the networks and views that are stored with it; empty if disabled.

    Validation sources are used and, if given, training sources that were predicted by a detector that was not trained on them:
    by cross-validation, or by a detector of an ensemble whose own validation images they are.
    """
    if params.uncertainty is None:
        return {}
    valid = on_split(errors, images, "valid")
    if held_out_errors is not None:
        held_out_errors = held_out_errors[held_out_errors["landmark"].isin(errors["landmark"])]
    learned = pd.concat([valid, held_out_errors], ignore_index=True)
    located = pd.concat([predictions, held_out_predictions], ignore_index=True)
    found = learn(learned, located, images, params.uncertainty)
    return {
        stage: StageUncertainty(*_networks_and_settings(stage, stage1, stage2, ensemble, detector), models).to_report()
        for stage, models in found.items()
    }


def _networks_and_settings(
    stage: str, stage1: Path, stage2: Path | None, ensemble: Path | None, detector: DetectorParams
) -> tuple[dict[str, str], dict[str, Any]]:
    """The hashes of the networks that predict a stage's points, and the parameters that the points depend on."""
    if stage == ENSEMBLE:
        files, params = DetectorFiles.of(stage1, stage2, ensemble), detector
    else:
        files = DetectorFiles.of(stage1, stage2 if stage.startswith("stage2") else None)
        params = detector if stage.endswith("_tta") else detector.in_one_view()
    return files.digests(), params.point_settings(refined=bool(files.stage2))


def check_uncertainty(
    errors: pd.DataFrame,
    predictions: pd.DataFrame,
    images: pd.DataFrame,
    duplicates: pd.DataFrame,
    uncertainty_models: dict[str, Any],
) -> dict[str, Any]:
    """Evaluate the uncertainty on test sources without a near-duplicate in training or validation."""
    models = {stage: dict(StageUncertainty.from_report(report).models) for stage, report in uncertainty_models.items()}
    unseen = unseen_errors(errors, images, duplicates)
    left_out = set(on_split(errors, images, "test")["image_id"]) - set(unseen["image_id"])
    checked = checked_stages(unseen, predictions, images, models)
    found = {"learned": list(models), "n_left_out": len(left_out), "stages": assessments(checked)}
    for line in radius_lines(found)[:1]:
        logger.info("uncertainty: %s", line)
    return {"uncertainty": found, "reliability": reliability_table(checked), "flag_curves": flag_curves(checked)}


def learn_shape_prior(landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> dict[str, Any]:
    """Fit the shape prior to the training landmarks; empty if there are too few."""
    prior = plausibility.learn_prior(reader_points(landmarks, params.reader), images)
    return {} if prior is None else prior.to_report()


def judge_plausibility(
    predictions: pd.DataFrame, images: pd.DataFrame, shape_prior: dict[str, Any], params: PlausibilityParams
) -> dict[str, Any]:
    """Compute the plausibility of each stage's configurations, and count implausible ones."""
    prior = ShapePrior.from_report(shape_prior) if shape_prior else None
    shapes = judge_shapes(predictions, prior, params).shapes
    report = plausibility.plausibility_report(shapes, images, prior, params)
    logger.info("plausibility: %s", plausibility.plausibility_line(report))
    return {"plausibility": shapes, "plausibility_summary": report}

"""Nodes that learn what real heads look like and judge the predicted ones by it."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.anatomy import anatomy_report, learn_prior
from ceph_pipeline.evaluation.anatomy_tables import anatomy_lines, scalar_metrics
from ceph_pipeline.landmarks.tables import reader_points
from ceph_pipeline.pipelines.evaluation.tracking import log_metrics
from ceph_pipeline.uncertainty.anatomy import AnatomicalPrior, judge_anatomy

logger = logging.getLogger(__name__)


def learn_anatomy(landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> dict[str, Any]:
    """What the training landmarks say about how heads are made; empty where they are too few."""
    prior = learn_prior(reader_points(landmarks, params.reader), images)
    return {} if prior is None else prior.to_report()


def judge_heads(located: pd.DataFrame, anatomical_prior: dict[str, Any], params: EvaluationParams) -> dict[str, pd.DataFrame]:
    """How plausible each stage's heads are; the networks' points, as they are unless `anatomy.replace` is on."""
    found = judge_anatomy(located, _prior(anatomical_prior), params.anatomy)
    return {"predictions": found.predictions if params.anatomy.replace else located, "anatomy": found.heads}


def summarise_anatomy(
    located: pd.DataFrame,
    anatomy: pd.DataFrame,
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    anatomical_prior: dict[str, Any],
    params: EvaluationParams,
) -> dict[str, Any]:
    """How many heads are implausible, what placing outliers anew does on validation, and which errors would be seen."""
    truth, prior = reader_points(landmarks, params.reader), _prior(anatomical_prior)
    found = anatomy_report(located, anatomy, truth, images, prior, params.anatomy, params.statistics.seed)
    log_metrics(scalar_metrics(found))
    for line in anatomy_lines(found)[1:]:
        logger.info("anatomy: %s", line)
    return found


def _prior(report: dict[str, Any]) -> AnatomicalPrior | None:
    return AnatomicalPrior.from_report(report) if report else None

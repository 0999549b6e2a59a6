"""Anatomical plausibility of what was located in new cephalograms."""

import logging
from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.plausibility import (
    MAX_TURN_DEG,
    PRIOR_FILE,
    Judgement,
    PlausibilityParams,
    ShapePrior,
    judge_shapes,
    read_prior,
)

logger = logging.getLogger(__name__)


def judge_located(predictions: pd.DataFrame, models: Path, params: PlausibilityParams) -> Judgement:
    """Judge located configurations by the prior that the evaluation left among the models, if it did.

    Args:
        predictions: A detector's `PredictionTable`, maybe with the columns of `judge_points`.
        models: The folder.
        params: From when on a configuration is implausible.

    Returns:
        The points, `flagged` where they are implausible, and the configurations, a row an image.

    Raises:
        PlausibilityError: the file is damaged, or the prior knows none of the landmarks.
    """
    prior = read_prior(models / PRIOR_FILE)
    if prior is None:
        logger.info("no shape prior in %s: plausibility is not judged", models / PRIOR_FILE)
        return judge_shapes(predictions, None, params)
    found = flag_implausible(predictions, prior, params)
    implausible = found.shapes[found.shapes["implausible"]]
    logger.info("%d of %d configurations are implausible beside the training images'", len(implausible), len(found.shapes))
    for row in implausible.to_dict("records"):
        logger.warning("%s is implausible%s", pseudonym(row["image_id"]), _why(row["turned_deg"], row["implausible_landmarks"]))
    return found


def _why(turned_deg: float, landmarks: str) -> str:
    if turned_deg > MAX_TURN_DEG:
        return f": turned by {turned_deg:.0f}° against the training images. Turn the film upright, and run again."
    return f": {landmarks}" if landmarks else " as a whole"


def flag_implausible(predictions: pd.DataFrame, prior: ShapePrior | None, params: PlausibilityParams) -> Judgement:
    """Judge configurations as `judge_shapes` does, and flag the points that are implausible beside those already flagged."""
    found = judge_shapes(predictions, prior, params)
    points = found.predictions
    flagged = points["implausible"] | points["flagged"] if "flagged" in points else points["implausible"]
    return found._replace(predictions=points.assign(flagged=flagged))


def add_plausibility(summary: pd.DataFrame, shapes: pd.DataFrame) -> pd.DataFrame:
    """The summary's rows, one an image, with `plausibility_percentile`, `implausible` and `implausible_landmarks`."""
    columns = ["image_id", "percentile", "implausible", "implausible_landmarks"]
    return summary.merge(shapes[columns].rename(columns={"percentile": "plausibility_percentile"}), on="image_id", how="left")

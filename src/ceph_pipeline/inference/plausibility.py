"""Anatomical plausibility of the landmarks that were located in new cephalograms."""

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
    """Judge located configurations by the shape prior in the models folder, if the evaluation has written one.

    Args:
        predictions: A detector's `PredictionTable`, optionally with the columns of `judge_points`.
        models: The models folder.
        params: Thresholds of plausibility.

    Returns:
        The points, `flagged` where they are implausible, and the configurations, one row per image.

    Raises:
        PlausibilityError: the file is damaged, or the prior contains none of the landmarks.
    """
    prior = read_prior(models / PRIOR_FILE)
    if prior is None:
        logger.info("no shape prior in %s: plausibility is not judged", models / PRIOR_FILE)
        return judge_shapes(predictions, None, params)
    found = flag_implausible(predictions, prior, params)
    implausible = found.shapes[found.shapes["implausible"]]
    logger.info("%d of %d configurations are implausible compared with the training images", len(implausible), len(found.shapes))
    for row in implausible.to_dict("records"):
        logger.warning("%s is implausible%s", pseudonym(row["image_id"]), _why(row["turned_deg"], row["implausible_landmarks"]))
    return found


def _why(turned_deg: float, landmarks: str) -> str:
    if turned_deg > MAX_TURN_DEG:
        return f": rotated by {turned_deg:.0f}° relative to the training images. Turn the film upright and run again."
    return f": {landmarks}" if landmarks else " as a whole"


def flag_implausible(predictions: pd.DataFrame, prior: ShapePrior | None, params: PlausibilityParams) -> Judgement:
    """Judge configurations with `judge_shapes`, and flag implausible points in addition to those already flagged."""
    found = judge_shapes(predictions, prior, params)
    points = found.predictions
    flagged = points["implausible"] | points["flagged"] if "flagged" in points else points["implausible"]
    return found._replace(predictions=points.assign(flagged=flagged))


def add_plausibility(summary: pd.DataFrame, shapes: pd.DataFrame) -> pd.DataFrame:
    """The summary, one row per image, with `plausibility_percentile`, `implausible` and `implausible_landmarks`.

    `implausible` is missing where plausibility was not judged.
    """
    columns = ["image_id", "percentile", "implausible", "implausible_landmarks"]
    found = shapes[columns].rename(columns={"percentile": "plausibility_percentile"})
    found["implausible"] = found["implausible"].astype("boolean").mask(found["plausibility_percentile"].isna())
    return summary.merge(found, on="image_id", how="left")


def flag_line(predictions: pd.DataFrame, shapes: pd.DataFrame) -> str:
    """How many points are flagged, and which reasons for a flag could not be judged.

    Args:
        predictions: Points with `flagged`, and with the columns of `judge_points` if their uncertainty is calibrated.
        shapes: Configurations, one row per image.
    """
    line = f"{predictions['flagged'].sum()} of {len(predictions)} points are flagged for review"
    judged = {"uncertainty": "calibrated_sigma_px" in predictions, "plausibility": shapes["percentile"].notna().any()}
    if all(judged.values()):
        return line
    unknown = " and ".join(name for name, known in judged.items() if not known)
    return f"{line}, without their {unknown}, which the evaluation of this detector has not calibrated: check all points"

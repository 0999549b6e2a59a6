"""Whether the heads in new X-rays are heads as there are."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from ceph_pipeline.uncertainty.anatomy import ANATOMY_FILE, Anatomy, AnatomyParams, judge_anatomy, read_prior

logger = logging.getLogger(__name__)

RADII = ("radius_px", "radius_mm")


def judge_new_heads(predictions: pd.DataFrame, models: Path, params: AnatomyParams) -> Anatomy:
    """Judge located heads by the prior that the evaluation left among the models, if it did.

    Args:
        predictions: A detector's `PredictionTable`, maybe with the columns of `judge_points`.
        models: The folder.
        params: From when on a head is implausible, and whether gross outliers are placed anew. A single stage's points do not
            show how far stage 2 went from stage 1, so that the standard deviation alone says what the network is unsure of.

    Returns:
        The points, `flagged` where they are implausible; of those placed anew, `sigma_px` and `calibrated_sigma_px` are the
        prior's, and no radius is promised. And the heads, a row an image.

    Raises:
        AnatomyError: the file is damaged, or the prior knows none of the landmarks.
    """
    prior = read_prior(models / ANATOMY_FILE)
    if prior is None:
        logger.info("no anatomical prior in %s: heads are not judged", models / ANATOMY_FILE)
        return judge_anatomy(predictions, None, params)
    found = judge_anatomy(predictions, prior, params)
    _say(found)
    points, replaced = found.predictions, found.predictions["replaced"].to_numpy(np.bool_)
    implausible = points["implausible"]
    points = points.assign(flagged=implausible | points["flagged"] if "flagged" in points else implausible)
    if "calibrated_sigma_px" in points:
        points.loc[replaced, "calibrated_sigma_px"] = points.loc[replaced, "sigma_px"]
        points.loc[replaced, list(RADII)] = np.nan
    return found._replace(predictions=points)


def add_anatomy(summary: pd.DataFrame, heads: pd.DataFrame) -> pd.DataFrame:
    """The summary's rows, one an image, with what the heads' table says: `anatomy_percentile` and from `implausible` on."""
    columns = ["image_id", "percentile", "implausible", "implausible_landmarks", "replaced_landmarks"]
    return summary.merge(heads[columns].rename(columns={"percentile": "anatomy_percentile"}), on="image_id", how="left")


def _say(found: Anatomy) -> None:
    implausible = found.heads[found.heads["implausible"]]
    logger.info("%d of %d heads are implausible beside the training heads", len(implausible), len(found.heads))
    for image_id, names, replaced in implausible[["image_id", "implausible_landmarks", "replaced_landmarks"]].to_numpy(str):
        moved = f"; placed anew: {replaced}" if replaced else ""
        logger.warning("%s is implausible%s%s", image_id, f": {names}" if names else " as a whole", moved)

"""Whether heads as predicted are heads as there are, and whether placing outliers anew helps on validation."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from ceph_pipeline.evaluation.errors import radial_errors
from ceph_pipeline.evaluation.gross_errors import Located, gross_error_table
from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.landmarks.tables import points_array
from ceph_pipeline.uncertainty.anatomy import AnatomicalPrior, AnatomyParams, TooFewHeadsError, judge_anatomy, sigma_array

logger = logging.getLogger(__name__)


def learn_prior(truth: pd.DataFrame, images: pd.DataFrame) -> AnatomicalPrior | None:
    """Learn what real heads look like from the training landmarks; None, and one line, where they are too few.

    Args:
        truth: `image_id, landmark, x, y` of one reader or the consensus.
        images: `image_id, split`; only the training split is used.
    """
    training = images.loc[images["split"] == "train", "image_id"].tolist()
    landmarks = list(truth["landmark"].unique())
    try:
        return AnatomicalPrior.learn(points_array(truth, training, landmarks), landmarks)
    except TooFewHeadsError as error:
        logger.info("no anatomical prior: %s", error)
        return None


def anatomy_report(
    predictions: pd.DataFrame,
    heads: pd.DataFrame,
    truth: pd.DataFrame,
    images: pd.DataFrame,
    prior: AnatomicalPrior | None,
    params: AnatomyParams,
    seed: int,
) -> dict[str, Any]:
    """What the report says about the heads' anatomy.

    Args:
        predictions: As the networks made them, before anything was placed anew.
        heads: From `judge_anatomy`.
        truth: `image_id, landmark, x, y`.
        images: `image_id, split, pixel_size_mm`.
        prior: What the heads were judged by.
        params: How.
        seed: Of the synthetic errors.

    Returns:
        `n_heads` learned from, `percentile`, `replaced` (whether outliers were), `counts` by split and stage, the `effect`
        of replacing on validation by stage, and `gross_errors`, the rows of `gross_error_table` for the last stage on
        validation; empty without a prior.
    """
    if prior is None:
        return {}
    split = images.set_index("image_id")["split"]
    on_valid = predictions[predictions["image_id"].map(split) == "valid"]
    return {
        "n_heads": prior.n_heads,
        "percentile": params.percentile,
        "replaced": params.replace,
        "counts": {name: _counts(heads[heads["image_id"].map(split) == name]) for name in ("valid", "test")},
        "effect": replacing_effect(on_valid, truth, images, prior, params),
        "gross_errors": _gross_errors(on_valid, truth, images, prior, params, seed),
    }


def replacing_effect(
    predictions: pd.DataFrame, truth: pd.DataFrame, images: pd.DataFrame, prior: AnatomicalPrior, params: AnatomyParams
) -> dict[str, dict[str, Any]]:
    """What placing outliers anew does to the mean radial error, by stage, whether it is on or not.

    Returns:
        For each stage `n_replaced` points, `mre_before` and `mre_after` on all points and their `unit`: `mm`, or `px` where no
        pixel size is known.
    """
    after = judge_anatomy(predictions, prior, params.model_copy(update={"replace": True})).predictions
    size = images.set_index("image_id")["pixel_size_mm"].astype(float)
    in_mm = bool(predictions["image_id"].map(size).notna().any())
    effect: dict[str, dict[str, Any]] = {}
    for stage in stages_in(predictions):
        at_stage = predictions["stage"] == stage
        before_mean, after_mean = (_mean_error(table[at_stage], truth, size if in_mm else None) for table in (predictions, after))
        n_replaced = int(after.loc[at_stage, "replaced"].sum())
        unit = "mm" if in_mm else "px"
        effect[stage] = {"n_replaced": n_replaced, "mre_before": before_mean, "mre_after": after_mean, "unit": unit}
    return effect


def _mean_error(points: pd.DataFrame, truth: pd.DataFrame, pixel_size_mm: "pd.Series[float] | None") -> float:
    image_ids, landmarks = [str(name) for name in points["image_id"].unique()], list(truth["landmark"].unique())
    length = np.ones(len(image_ids)) if pixel_size_mm is None else pixel_size_mm.loc[image_ids].to_numpy(np.float64)
    errors = radial_errors(points_array(points, image_ids, landmarks), points_array(truth, image_ids, landmarks), length)
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if known.size else float("nan")


def _counts(heads: pd.DataFrame) -> dict[str, dict[str, int]]:
    """By stage, of one split: heads, implausible ones, and their implausible and replaced landmarks."""
    return {
        stage: {
            "n_heads": len(rows),
            "n_implausible": int(rows["implausible"].sum()),
            "n_implausible_landmarks": _n_named(rows["implausible_landmarks"]),
            "n_replaced_landmarks": _n_named(rows["replaced_landmarks"]),
        }
        for stage in stages_in(heads)
        for rows in [heads[heads["stage"] == stage]]
    }


def _n_named(lists: "pd.Series[str]") -> int:
    return sum(len(names.split(", ")) for names in lists if names)


def _gross_errors(
    predictions: pd.DataFrame,
    truth: pd.DataFrame,
    images: pd.DataFrame,
    prior: AnatomicalPrior,
    params: AnatomyParams,
    seed: int,
) -> list[dict[str, Any]]:
    stages = stages_in(predictions)
    if not stages:
        return []
    rows = predictions[predictions["stage"] == stages[-1]]
    image_ids, landmarks = [str(name) for name in rows["image_id"].unique()], list(prior.landmarks)
    points, target = points_array(rows, image_ids, landmarks), points_array(truth, image_ids, landmarks)
    size = images.set_index("image_id").loc[image_ids, "pixel_size_mm"].to_numpy(np.float64)
    located = Located(points, sigma_array(rows, image_ids, landmarks), target, size)
    table = gross_error_table(prior, located, params.percentile, seed)
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]

"""Anatomical plausibility of predicted configurations."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.landmarks.tables import points_array
from ceph_pipeline.plausibility import MAX_TURN_DEG, PlausibilityParams, ShapePrior, TooFewShapesError

logger = logging.getLogger(__name__)


def learn_prior(truth: pd.DataFrame, images: pd.DataFrame) -> ShapePrior | None:
    """Learn the shapes of the training landmarks; None, and one line in the log, where they are too few.

    Args:
        truth: `image_id, landmark, x, y` of one reader or the consensus.
        images: `image_id, split`; only the training split is used.
    """
    training = images.loc[images["split"] == "train", "image_id"].tolist()
    landmarks = list(truth["landmark"].unique())
    try:
        return ShapePrior.learn(points_array(truth, training, landmarks), landmarks)
    except TooFewShapesError as error:
        logger.info("no shape prior: %s", error)
        return None


def plausibility_report(
    shapes: pd.DataFrame, images: pd.DataFrame, prior: ShapePrior | None, params: PlausibilityParams
) -> dict[str, Any]:
    """How many predicted configurations are implausible.

    Args:
        shapes: From `judge_shapes`.
        images: `image_id, split`.
        prior: What they were judged by.
        params: From which percentile on.

    Returns:
        `n_shapes` learned from, `percentile`, and `counts` by split and stage; empty without a prior.
    """
    if prior is None:
        return {}
    split = shapes["image_id"].map(images.set_index("image_id")["split"])
    counts = {name: _counts(shapes[split == name]) for name in ("valid", "test")}
    return {"n_shapes": prior.n_shapes, "percentile": params.percentile, "counts": counts}


def plausibility_line(report: dict[str, Any]) -> str:
    """How configurations were judged."""
    if not report:
        return "No shape prior was learned: too few training images have all their landmarks."
    return (
        "A configuration is implausible where it, or its least likely landmark given the others, is beyond the "
        f"{report['percentile']:g}th percentile of real ones: learned from {report['n_shapes']} training images, each judged by "
        f"the others; or where it is turned by more than {MAX_TURN_DEG:g}° against them. No point is moved."
    )


def count_frame(report: dict[str, Any]) -> pd.DataFrame:
    """Implausible configurations and landmarks, by split and stage, as text."""
    rows = [
        (split, LABELS[stage], *(str(fields[name]) for name in ("n_images", "n_implausible", "n_implausible_landmarks")))
        for split, stages in report.get("counts", {}).items()
        for stage, fields in stages.items()
    ]
    return pd.DataFrame(rows, columns=["split", "stage", "images", "implausible", "implausible landmarks"])


def plausibility_metrics(report: dict[str, Any]) -> dict[str, float]:
    """Figures worth comparing between runs, such as `test.stage2.implausible_percent`."""
    return {
        f"{split}.{stage}.implausible_percent": 100 * fields["n_implausible"] / fields["n_images"]
        for split, stages in report.get("counts", {}).items()
        for stage, fields in stages.items()
    }


def _counts(shapes: pd.DataFrame) -> dict[str, dict[str, int]]:
    """By stage, of one split: images, implausible ones, and their implausible landmarks."""
    return {
        stage: {
            "n_images": len(rows),
            "n_implausible": int(rows["implausible"].sum()),
            "n_implausible_landmarks": sum(len(names.split(", ")) for names in rows["implausible_landmarks"] if names),
        }
        for stage in stages_in(shapes)
        for rows in [shapes[shapes["stage"] == stage]]
    }

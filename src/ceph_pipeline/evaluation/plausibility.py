"""Anatomical plausibility of predicted configurations."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.landmarks.tables import patients_of, points_array
from ceph_pipeline.plausibility import MAX_TURN_DEG, PlausibilityParams, ShapePrior, TooFewShapesError, learn_without_outliers

logger = logging.getLogger(__name__)


def learn_prior(truth: pd.DataFrame, images: pd.DataFrame) -> ShapePrior | None:
    """Fit the shape prior to the training landmarks; None, with a log message, if there are too few shapes.

    Args:
        truth: `image_id, landmark, x, y` of one reader or the consensus.
        images: `image_id, split` and possibly `patient`; only the training split is used.
    """
    training = images.loc[images["split"] == "train", "image_id"].tolist()
    landmarks = list(truth["landmark"].unique())
    try:
        return learn_without_outliers(points_array(truth, training, landmarks), landmarks, patients_of(images, training))
    except TooFewShapesError as error:
        logger.info("no shape prior: %s", error)
        return None


def plausibility_report(
    shapes: pd.DataFrame, images: pd.DataFrame, prior: ShapePrior | None, params: PlausibilityParams
) -> dict[str, Any]:
    """Count implausible predicted configurations.

    Args:
        shapes: From `judge_shapes`.
        images: `image_id, split`.
        prior: Shape prior that was used.
        params: Percentile above which a configuration is implausible.

    Returns:
        `n_shapes` of the prior, `percentile`, and `counts` by split and stage; empty without a prior.
    """
    if prior is None:
        return {}
    split = shapes["image_id"].map(images.set_index("image_id")["split"])
    counts = {name: _counts(shapes[split == name]) for name in ("valid", "test")}
    return {"n_shapes": prior.n_shapes, "percentile": params.percentile, "counts": counts}


def plausibility_line(report: dict[str, Any]) -> str:
    """Criterion for implausible configurations, in sentences."""
    if not report:
        return "No shape prior was fitted: too few training images have all their landmarks."
    return (
        "A configuration is implausible in two cases. First, it or its least likely landmark given the others is beyond the "
        f"{report['percentile']:g}th percentile of {report['n_shapes']} training images, each compared with a prior without "
        f"the image. Second, it is rotated by more than {MAX_TURN_DEG:g}° against the training images. No point is moved."
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
    """Metrics for comparing runs, such as `test.stage2.implausible_percent`."""
    return {
        f"{split}.{stage}.implausible_percent": 100 * fields["n_implausible"] / fields["n_images"]
        for split, stages in report.get("counts", {}).items()
        for stage, fields in stages.items()
    }


def _counts(shapes: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Number of images, of implausible images and of their implausible landmarks in one split, by stage."""
    return {
        stage: {
            "n_images": len(rows),
            "n_implausible": int(rows["implausible"].sum()),
            "n_implausible_landmarks": sum(len(names.split(", ")) for names in rows["implausible_landmarks"] if names),
        }
        for stage in stages_in(shapes)
        for rows in [shapes[shapes["stage"] == stage]]
    }

"""Plausibility of the points in a predictions table."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.landmarks.tables import empty_table, points_array
from ceph_pipeline.plausibility.params import PlausibilityParams
from ceph_pipeline.plausibility.prior import PlausibilityError, ShapePrior

COLUMNS = {
    "image_id": str,
    "stage": str,
    "distance": float,
    "percentile": float,
    "least_likely": str,
    "least_likely_percentile": float,
    "turned_deg": float,
    "implausible": bool,
    "implausible_landmarks": str,
    "implausible_as_a_whole": bool,
}
"""Columns of the table of configurations."""

MAX_TURN_DEG = 60.0
"""Limit of the rotation relative to the training images. A larger rotation means that the film is turned or upside down."""


class Judgement(NamedTuple):
    """Plausibility of a table of predictions.

    Attributes:
        predictions: The rows with `implausible`.
        shapes: One row per image and stage, with `COLUMNS`. `distance` is the squared Mahalanobis distance to the training
            configurations, and `percentile` the percentage of real configurations with a smaller distance. `least_likely` is the
            landmark that is least likely given the others; `least_likely_percentile` is the percentage of real configurations
            whose least likely landmark is more likely. `turned_deg` is the rotation relative to the training configurations.
            `implausible` is true if one of these values exceeds its limit, or if there are `implausible_landmarks`, which are
            separated by commas. `implausible_as_a_whole` is true if the rotation or the configuration without these landmarks
            exceeds its limit.
    """

    predictions: pd.DataFrame
    shapes: pd.DataFrame


def judge_shapes(predictions: pd.DataFrame, prior: ShapePrior | None, params: PlausibilityParams) -> Judgement:
    """Compute the plausibility of the configurations of each stage.

    Args:
        predictions: Rows of `PredictionTable`.
        prior: Shapes of the training landmarks. None: no point is implausible, and percentiles are NaN.
        params: Percentile above which a configuration is implausible.

    Raises:
        PlausibilityError: the prior contains none of the landmarks.
    """
    judged = [_judge_stage(predictions, str(stage), prior, params) for stage in predictions["stage"].unique()]
    points = pd.concat([part.predictions for part in judged]).loc[predictions.index] if judged else predictions
    return Judgement(points, pd.concat([part.shapes for part in judged], ignore_index=True) if judged else empty_table(COLUMNS))


def implausible_landmarks(prior: ShapePrior, shapes: NDArray[np.float64], percentile: float) -> NDArray[np.bool_]:
    """Landmarks to remove from each configuration, the least likely first, until the remaining landmarks are plausible.

    After each removal the other landmarks are assessed again, so that an outlier does not make its neighbours implausible.

    Args:
        prior: Shapes of the training landmarks.
        shapes: `(N, K, 2)` px, in the prior's order of landmarks; NaN where missing.
        percentile: Percentage of real configurations whose least likely landmark is more likely than an implausible landmark.

    Returns:
        `(N, K)`, true for implausible landmarks.
    """
    trusted, implausible = shapes.copy(), np.zeros(shapes.shape[:2], dtype=np.bool_)
    # The probability of a false alarm is divided by the number of landmarks (Bonferroni)
    limits = (1 - percentile / 100) / np.maximum(np.isfinite(shapes).all(axis=-1).sum(axis=1), 1)
    rows = np.arange(len(shapes))
    while len(rows):
        rarity = np.nan_to_num(prior.rarity(trusted[rows]).points, nan=1.0)
        worst = rarity.argmin(axis=1)
        beyond = rarity[np.arange(len(rows)), worst] < limits[rows]
        rows, worst = rows[beyond], worst[beyond]
        implausible[rows, worst], trusted[rows, worst] = True, np.nan
    return implausible


def _judge_stage(predictions: pd.DataFrame, stage: str, prior: ShapePrior | None, params: PlausibilityParams) -> Judgement:
    rows = predictions[predictions["stage"] == stage]
    image_ids = [str(name) for name in rows["image_id"].unique()]
    if prior is None:
        unknown = pd.DataFrame({"image_id": image_ids, "stage": stage}).reindex(columns=list(COLUMNS))
        blank = {name: "" for name, dtype in COLUMNS.items() if dtype is str and name not in ("image_id", "stage")}
        return Judgement(rows.assign(implausible=False), unknown.assign(implausible=False, implausible_as_a_whole=False, **blank))
    landmarks = list(prior.landmarks)
    if not set(landmarks) & set(rows["landmark"]):
        raise PlausibilityError(
            f"the shape prior contains {', '.join(landmarks)}, and none of the predicted landmarks, "
            f"such as {rows['landmark'].iloc[0]!r}. Run the evaluation pipeline again with the current networks."
        )
    shapes = points_array(rows, image_ids, landmarks)
    implausible = implausible_landmarks(prior, shapes, params.percentile)
    table = _shape_rows(prior, shapes, implausible, params.percentile)
    table.insert(0, "image_id", image_ids)
    table.insert(1, "stage", stage)
    place = pd.MultiIndex.from_product([image_ids, landmarks]).get_indexer(
        pd.MultiIndex.from_frame(rows[["image_id", "landmark"]])
    )
    return Judgement(rows.assign(implausible=(place >= 0) & implausible.ravel()[place]), table)


def _shape_rows(
    prior: ShapePrior, shapes: NDArray[np.float64], implausible: NDArray[np.bool_], percentile: float
) -> pd.DataFrame:
    """The columns of `COLUMNS` from `distance` on."""
    distances = prior.distances(shapes)
    rarity = prior.tails.rarity(distances)
    judged = np.isfinite(rarity.whole)
    per_point = np.nan_to_num(rarity.points, nan=1.0)  # a missing landmark is not implausible
    names = np.array(prior.landmarks, dtype=object)
    least_likely = np.minimum(np.isfinite(rarity.points).sum(axis=1) * per_point.min(axis=1), 1.0)
    percentiles = 100 * (1 - rarity.whole)
    turned = np.where(judged, prior.shapes.align(shapes).turned_deg, np.nan)
    table = pd.DataFrame(
        {
            "distance": distances.whole,
            "percentile": percentiles,
            "least_likely": np.where(judged, names[per_point.argmin(axis=1)], ""),
            "least_likely_percentile": np.where(judged, 100 * (1 - least_likely), np.nan),
            "turned_deg": turned,
        }
    )
    table["implausible"] = (percentiles > percentile) | (turned > MAX_TURN_DEG) | implausible.any(axis=1)
    table["implausible_landmarks"] = [", ".join(names[row]) for row in implausible]
    others = prior.rarity(np.where(implausible[..., None], np.nan, shapes)).whole
    table["implausible_as_a_whole"] = (100 * (1 - others) > percentile) | (turned > MAX_TURN_DEG)
    return table

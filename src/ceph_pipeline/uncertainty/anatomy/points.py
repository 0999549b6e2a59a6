"""Plausibility of the points in a predictions table."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.landmarks.tables import points_array
from ceph_pipeline.uncertainty.anatomy.outliers import Outliers, find_outliers, network_sd
from ceph_pipeline.uncertainty.anatomy.params import AnatomyParams
from ceph_pipeline.uncertainty.anatomy.prior import AnatomicalPrior, AnatomyError

STARTS_FROM = {"stage2": "stage1", "stage2_tta": "stage1_tta"}
"""The stage whose points a stage refines."""

COLUMNS = {
    "image_id": str,
    "stage": str,
    "distance": float,
    "percentile": float,
    "least_likely": str,
    "least_likely_percentile": float,
    "implausible": bool,
    "implausible_landmarks": str,
    "replaced_landmarks": str,
}
"""Of the table of heads."""


class Anatomy(NamedTuple):
    """What a prior says about a table of predictions.

    Attributes:
        predictions: The rows with `implausible` and `replaced`; where they are placed anew, replaced points are at their new
            places, with the new standard deviation as `sigma_px`.
        heads: A row an image and stage, with `COLUMNS`: `distance`, the squared Mahalanobis distance to the training heads,
            and the `percentile` of real heads that are closer; `least_likely`, the landmark least likely given the others,
            and the percentile of real heads whose least likely landmark is likelier; whether the head is `implausible`, by
            either; its implausible landmarks and the replaced ones, separated by commas.
    """

    predictions: pd.DataFrame
    heads: pd.DataFrame


def judge_anatomy(predictions: pd.DataFrame, prior: AnatomicalPrior | None, params: AnatomyParams) -> Anatomy:
    """Judge every stage's heads, and place gross outliers anew where `params.replace` asks for it.

    Args:
        predictions: Rows of `PredictionTable`. Where the stage that a stage starts from is there too, a point that moved far
            counts as uncertain.
        prior: What real heads look like; None: nothing is implausible and percentiles are NaN.
        params: From which percentile on.

    Raises:
        AnatomyError: the prior knows none of the landmarks.
    """
    judged = [_judge_stage(predictions, str(stage), prior, params) for stage in predictions["stage"].unique()]
    points = pd.concat([part.predictions for part in judged]).loc[predictions.index] if judged else predictions
    heads = [part.heads for part in judged]
    return Anatomy(points, pd.concat(heads, ignore_index=True) if heads else no_heads())


def no_heads() -> pd.DataFrame:
    """The table of heads without rows."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in COLUMNS.items()})


def sigma_array(rows: pd.DataFrame, image_ids: list[str], landmarks: list[str]) -> NDArray[np.float64]:
    """The `sigma_px` of one stage's rows as `(N, K)` in the given orders, NaN where there is no such point."""
    column = rows.set_index(["image_id", "landmark"])["sigma_px"]
    full = pd.MultiIndex.from_product([image_ids, landmarks])
    return column.reindex(full).to_numpy(np.float64).reshape(len(image_ids), len(landmarks))


def _judge_stage(predictions: pd.DataFrame, stage: str, prior: AnatomicalPrior | None, params: AnatomyParams) -> Anatomy:
    rows = predictions[predictions["stage"] == stage]
    image_ids = [str(name) for name in rows["image_id"].unique()]
    if prior is None:
        unknown = pd.DataFrame({"image_id": image_ids, "stage": stage}).reindex(columns=list(COLUMNS))
        blank = {name: "" for name, dtype in COLUMNS.items() if dtype is str and name not in ("image_id", "stage")}
        return Anatomy(rows.assign(implausible=False, replaced=False), unknown.assign(implausible=False, **blank))
    landmarks = list(prior.landmarks)
    if not set(landmarks) & set(rows["landmark"]):
        raise AnatomyError(
            f"the anatomical prior knows {', '.join(landmarks)}, and none of the predicted landmarks, "
            f"such as {rows['landmark'].iloc[0]!r}. Run the evaluation pipeline again with the present networks."
        )
    heads = points_array(rows, image_ids, landmarks)
    start = predictions[predictions["stage"] == STARTS_FROM.get(stage)]
    earlier = points_array(start, image_ids, landmarks) if len(start) else None
    sd = network_sd(sigma_array(rows, image_ids, landmarks), heads, earlier)
    found = find_outliers(prior, heads, sd, params.percentile)
    if not params.replace:
        found = found._replace(replaced=np.zeros_like(found.replaced))
    table = _head_rows(prior, heads, found, params.percentile)
    table.insert(0, "image_id", image_ids)
    table.insert(1, "stage", stage)
    return Anatomy(_point_rows(rows, found, image_ids, landmarks), table)


def _point_rows(rows: pd.DataFrame, found: Outliers, image_ids: list[str], landmarks: list[str]) -> pd.DataFrame:
    """The stage's rows with what was found; landmarks that the prior does not know are plausible."""
    place = pd.MultiIndex.from_product([image_ids, landmarks]).get_indexer(
        pd.MultiIndex.from_frame(rows[["image_id", "landmark"]])
    )
    known = place >= 0
    implausible, replaced = (known & mask.ravel()[place] for mask in (found.implausible, found.replaced))
    points = rows.assign(implausible=implausible, replaced=replaced)
    points.loc[replaced, ["x", "y"]] = found.points.reshape(-1, 2)[place[replaced]]
    points.loc[replaced, "sigma_px"] = found.sd_px.ravel()[place[replaced]]
    return points


def _head_rows(prior: AnatomicalPrior, heads: NDArray[np.float64], found: Outliers, percentile: float) -> pd.DataFrame:
    """Columns from `distance` on."""
    rarity = prior.rarity(heads)
    judged = np.isfinite(rarity.whole)
    per_point = np.nan_to_num(rarity.points, nan=1.0)  # a missing landmark is not unusual
    names = np.array(prior.landmarks, dtype=object)
    in_head = np.minimum(np.isfinite(rarity.points).sum(axis=1) * per_point.min(axis=1), 1.0)
    table = pd.DataFrame(
        {
            "distance": prior.distances(heads).whole,
            "percentile": 100 * (1 - rarity.whole),
            "least_likely": np.where(judged, names[per_point.argmin(axis=1)], ""),
            "least_likely_percentile": np.where(judged, 100 * (1 - in_head), np.nan),
        }
    )
    table["implausible"] = (table["percentile"].to_numpy() > percentile) | found.implausible.any(axis=1)
    for column, mask in (("implausible_landmarks", found.implausible), ("replaced_landmarks", found.replaced)):
        table[column] = [", ".join(names[row]) for row in mask]
    return table

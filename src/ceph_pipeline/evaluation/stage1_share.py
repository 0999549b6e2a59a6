"""Stage 1's share of each refined point, suggested by cross-validation."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.landmarks.tables import points_array

SHARES = np.arange(0, 1, 0.1)
"""Shares that are compared."""

_STARTS = {"stage2": "stage1", "stage2_tta": "stage1_tta"}


def suggest_shares(
    predictions: pd.DataFrame, truth: pd.DataFrame, folds: pd.DataFrame, shares: dict[str, float]
) -> dict[str, Any]:
    """The share of stage 1's point at which each landmark's mean error is least, and what such shares gain.

    A point that stage 2 was too unsure to refine is the same whatever the share.

    Args:
        predictions: Both stages' points, each image located by a detector that has not learned from it.
        truth: One reader's points of these images.
        folds: `image_id` and `fold`, at least two folds; the gain is that of shares learned on the other folds.
        shares: The share by landmark that the predictions were made with.

    Returns:
        `stage1_share_of` by landmark, `stage`, and its mean error in px of the originals with the given shares (`mre_px`)
        and with those learned on the other folds (`mre_px_with_shares`). Empty where there is no second stage, or one fold.
        Landmarks that the truth lacks in a fold are left out.
    """
    refined = [stage for stage in stages_in(predictions) if stage in _STARTS]
    located = folds[folds["image_id"].isin(predictions["image_id"])]
    ids, fold_of = located["image_id"].astype(str).tolist(), located["fold"].to_numpy(np.int64)
    if not refined or len(np.unique(fold_of)) < 2:
        return {}
    stage, names = refined[-1], list(shares)
    first, last = (points_array(predictions[predictions["stage"] == name], ids, names) for name in (_STARTS[stage], stage))
    given = np.array(list(shares.values()))
    crops = first + (last - first) / (1 - given)[:, None]
    at_share = [first + (1 - share) * (crops - first) for share in SHARES]
    errors = np.linalg.norm(np.stack([*at_share, last]) - points_array(truth, ids, names), axis=-1)
    known = np.all([np.isfinite(errors[-1, fold_of == fold]).any(axis=0) for fold in np.unique(fold_of)], axis=0).tolist()
    errors, names = errors[..., known], [name for name, is_known in zip(names, known, strict=True) if is_known]
    learned = np.stack([_best(errors[:-1, fold_of != fold]) for fold in fold_of])
    with_shares = np.take_along_axis(errors[:-1], learned[None], axis=0)[0]
    return {
        "stage": stage,
        "mre_px": float(np.nanmean(errors[-1])),
        "mre_px_with_shares": float(np.nanmean(with_shares)),
        "stage1_share_of": dict(zip(names, SHARES[_best(errors[:-1])].round(1).tolist(), strict=True)),
    }


def _best(errors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the share with the least mean error, `(K,)` of `(G, N, K)`."""
    return np.asarray(np.nanmean(errors, axis=1).argmin(axis=0))

"""Weight of stage 1's point in each refined point, estimated by cross-validation."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.landmarks.tables import points_array

SHARES = np.arange(0, 1, 0.1)
"""Weights that are compared."""

_STARTS = {"stage2": "stage1", "stage2_tta": "stage1_tta"}


def suggest_shares(
    predictions: pd.DataFrame, truth: pd.DataFrame, folds: pd.DataFrame, shares: dict[str, float]
) -> dict[str, Any]:
    """The weight of stage 1's point with the smallest mean error for each landmark, and the improvement by these weights.

    A point for which the fallback to stage 1 was used does not depend on the weight.

    Args:
        predictions: Points of both stages; each image was predicted by a detector that was not trained on the image.
        truth: One reader's points of these images.
        folds: `image_id` and `fold`, at least two folds; the improvement is computed with weights fitted on the other folds.
        shares: The weight by landmark that was used for the predictions.

    Returns:
        `stage1_share_of` by landmark, `stage`, and the stage's mean error in px of the originals with the given weights
        (`mre_px`) and with weights fitted on the other folds (`mre_px_with_shares`). Empty without a second stage, and for a
        single fold. Landmarks without any truth in a fold are omitted.
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
    best = {fold: _best(errors[:-1, fold_of != fold]) for fold in np.unique(fold_of)}
    learned = np.stack([best[fold] for fold in fold_of])
    with_shares = np.take_along_axis(errors[:-1], learned[None], axis=0)[0]
    return {
        "stage": stage,
        "mre_px": float(np.nanmean(errors[-1])),
        "mre_px_with_shares": float(np.nanmean(with_shares)),
        "stage1_share_of": dict(zip(names, SHARES[_best(errors[:-1])].round(1).tolist(), strict=True)),
    }


def _best(errors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index `(K,)` of the weight with the smallest mean of the errors `(G, N, K)`."""
    return np.asarray(np.nanmean(errors, axis=1).argmin(axis=0))

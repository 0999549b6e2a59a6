"""Outliers among the landmark configurations of a data set: implausible and exchanged landmarks."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.plausibility.judgement import implausible_landmarks
from ceph_pipeline.plausibility.prior import ShapePrior, TooFewShapesError

_ROUNDS = 3
_PERCENTILE = 99.9
"""Percentile of real configurations; configurations beyond it are left out when the shape model is fitted."""
_LOOKED_AT = 0.05
"""Share of the configurations, the least plausible ones, that are tested for exchanged landmarks."""


class Swap(NamedTuple):
    """Two landmarks of one configuration that were exchanged.

    Attributes:
        row: Row of the configuration.
        first: Column of the first landmark.
        second: Column of the second landmark.
    """

    row: int
    first: int
    second: int


def learn_without_outliers(
    shapes: NDArray[np.float64], landmarks: Sequence[str], patients: Sequence[str] | None = None
) -> ShapePrior:
    """Fit a shape prior to the data, without implausible configurations, of which a single one would make gross errors plausible.

    Args:
        shapes: `(N, K, 2)` px, NaN where missing.
        landmarks: K full names; the marks of a ruler are left out.
        patients: The patient of each shape; None if all shapes are of different patients.

    Raises:
        TooFewShapesError: too few shapes are complete.
    """
    face = [k for k, name in enumerate(landmarks) if name not in SCHEMAS["ruler"].names]
    shapes, names = shapes[:, face], [landmarks[k] for k in face]
    of = np.arange(len(shapes)).astype(str) if patients is None else np.asarray(patients, str)
    used = np.asarray(np.ones(len(shapes), bool))
    prior = ShapePrior.learn(shapes, names, of)
    for _ in range(_ROUNDS - 1):
        seen = shapes[:, [names.index(name) for name in prior.landmarks]]
        plausible = np.asarray(~implausible_landmarks(prior, seen, _PERCENTILE).any(axis=1))
        plausible[[swap.row for swap in find_swaps(prior, seen, _PERCENTILE)]] = False
        if (plausible == used).all():
            break
        used = plausible
        try:
            prior = ShapePrior.learn(shapes[used], names, of[used])
        except TooFewShapesError:
            break
    return prior


def find_swaps(prior: ShapePrior, shapes: NDArray[np.float64], percentile: float, least_drop: float = 2.0) -> list[Swap]:
    """Configurations that become plausible if two of their landmarks are exchanged.

    Args:
        prior: The shape model.
        shapes: `(N, K, 2)` px, in the prior's order of landmarks; NaN where missing.
        percentile: Percentile of real configurations beyond which a landmark is implausible. After the exchange, neither
            landmark may be implausible.
        least_drop: Least factor by which the exchange must reduce the squared Mahalanobis distance.
    """
    before = prior.distances(shapes).whole
    rare = np.nan_to_num(prior.rarity(shapes).whole, nan=1.0) < _LOOKED_AT
    odd = rare | implausible_landmarks(prior, shapes, percentile).any(axis=1)
    pairs = np.array(list(combinations(range(shapes.shape[1]), 2)))
    found = []
    for row in np.flatnonzero(odd):
        exchanged = np.repeat(shapes[row : row + 1], len(pairs), axis=0)
        numbers = np.arange(len(pairs))
        exchanged[numbers, pairs[:, 0]], exchanged[numbers, pairs[:, 1]] = shapes[row, pairs[:, 1]], shapes[row, pairs[:, 0]]
        after = prior.distances(exchanged).whole
        if not np.isfinite(after).any():
            continue
        best = int(np.nanargmin(after))
        pair = pairs[best]
        is_better = after[best] * least_drop < before[row]
        if is_better and not implausible_landmarks(prior, exchanged[[best]], percentile)[0, pair].any():
            found.append(Swap(int(row), int(pair[0]), int(pair[1])))
    return found


def displacements(prior: ShapePrior, shapes: NDArray[np.float64], implausible: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distances `(N, K)` in px of implausible landmarks from their positions predicted by the others; NaN for plausible ones.

    Args:
        prior: The shape model.
        shapes: `(N, K, 2)` px, in the prior's order of landmarks.
        implausible: `(N, K)`; these landmarks are not used in the predictions.
    """
    expected = prior.shapes.completed(np.where(implausible[..., None], np.nan, shapes))
    return np.where(implausible, np.linalg.norm(shapes - expected, axis=-1), np.nan)

"""Landmarks that cannot be where they are, and where they probably are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.uncertainty.anatomy.prior import AnatomicalPrior

MOST_REPLACED = 0.2
"""Of a head's landmarks. Where more are implausible, the head and not a landmark is unusual, or the image is none: all stay."""


class Outliers(NamedTuple):
    """What is implausible in N heads, and what became of it.

    Attributes:
        implausible: `(N, K)`.
        replaced: `(N, K)`, a part of those.
        points: `(N, K, 2)` px, the replaced ones at their new places.
        sd_px: `(N, K)` px, standard deviation along one axis of the new places; NaN elsewhere.
    """

    implausible: NDArray[np.bool_]
    replaced: NDArray[np.bool_]
    points: NDArray[np.float64]
    sd_px: NDArray[np.float64]


def find_outliers(
    prior: AnatomicalPrior, heads: NDArray[np.float64], network_sd_px: NDArray[np.float64], percentile: float
) -> Outliers:
    """Find implausible landmarks, and new places for those of which the prior is surer than the network.

    The least likely landmark of a head is taken out first and the others judged without it, so that it puts no blame on its
    neighbours. What the network is sure of stays, however unusual: it has seen the image.

    Args:
        prior: What real heads look like.
        heads: `(N, K, 2)` px, in the prior's order of landmarks; NaN where missing.
        network_sd_px: `(N, K)` px, the network's standard deviation along one axis; see `network_sd`.
        percentile: Of real heads whose least likely landmark is still likelier than an implausible one.
    """
    implausible = _implausible(prior, heads, percentile)
    found = Outliers(implausible, np.zeros_like(implausible), heads.copy(), np.full(implausible.shape, np.nan))
    n_known, n_implausible = np.isfinite(heads).all(axis=-1).sum(axis=1), implausible.sum(axis=1)
    for row in np.flatnonzero((n_implausible > 0) & (n_implausible <= MOST_REPLACED * n_known)):
        outliers = np.flatnonzero(implausible[row])
        places, sd = prior.expected(heads[row], network_sd_px[row], outliers)
        surer = sd < network_sd_px[row, outliers]
        chosen = outliers[surer]
        found.replaced[row, chosen] = True
        found.points[row, chosen], found.sd_px[row, chosen] = places[surer], sd[surer]
    return found


def network_sd(
    sigma_px: NDArray[np.float64], points: NDArray[np.float64], earlier: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """How sure the networks are of `(N, K)` points in all: of the answer, and in going from an earlier one to it.

    Args:
        sigma_px: `(N, K)` what the network says, along one axis.
        points: `(N, K, 2)` its answers.
        earlier: `(N, K, 2)` those of the stage before; None where there is none.

    Returns:
        `(N, K)` px along one axis; two answers d apart have a standard deviation of d / 2 along each.
    """
    if earlier is None:
        return sigma_px
    apart = np.nan_to_num(np.linalg.norm(points - earlier, axis=-1))
    return np.asarray(np.hypot(sigma_px, apart / 2))


def _implausible(prior: AnatomicalPrior, heads: NDArray[np.float64], percentile: float) -> NDArray[np.bool_]:
    """`(N, K)`: each head's least likely landmarks, one after the other, until the rest is plausible."""
    trusted, implausible = heads.copy(), np.zeros(heads.shape[:2], dtype=np.bool_)
    # Each of a head's landmarks has its share of the false alarms
    limits = (1 - percentile / 100) / np.maximum(np.isfinite(heads).all(axis=-1).sum(axis=1), 1)
    rows = np.arange(len(heads))
    while len(rows):
        rarity = np.nan_to_num(prior.rarity(trusted[rows]).points, nan=1.0)
        worst = rarity.argmin(axis=1)
        beyond = rarity[np.arange(len(rows)), worst] < limits[rows]
        rows, worst = rows[beyond], worst[beyond]
        implausible[rows, worst], trusted[rows, worst] = True, np.nan
    return implausible

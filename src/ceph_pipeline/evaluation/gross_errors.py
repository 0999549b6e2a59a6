"""What the anatomical prior can see: gross errors put into heads that have none, and whether they are recognised."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.uncertainty.anatomy import AnatomicalPrior, find_outliers

N_DRAWS = 200
"""Heads with an error, of each kind: rates are known to ± 7 percentage points."""

SHIFTS_MM = (5.0, 10.0, 15.0)
SWAPPED_MM = 5.0
"""Landmarks nearer to each other are not swapped: that would be a small error."""

COLUMNS = ("error", "recognised_percent", "named_percent", "replaced_percent", "error_before_mm", "error_after_mm")


class Located(NamedTuple):
    """Heads as a network located them, and their truth.

    Attributes:
        points: `(N, K, 2)` px.
        sigma_px: `(N, K)` px along one axis.
        truth: `(N, K, 2)` px, NaN where missing.
        pixel_size_mm: `(N,)`.
    """

    points: NDArray[np.float64]
    sigma_px: NDArray[np.float64]
    truth: NDArray[np.float64]
    pixel_size_mm: NDArray[np.float64]


Spoil = Callable[[NDArray[np.float64], float, np.random.Generator], list[int]]
"""Puts an error into a head `(K, 2)`, given millimetres per pixel, and names the landmarks that it has moved."""


def gross_error_table(prior: AnatomicalPrior, located: Located, percentile: float, seed: int) -> pd.DataFrame:
    """Put errors into random heads: a landmark moved by some millimetres in any direction, or two swapped.

    Args:
        prior: What real heads look like.
        located: Heads with the prior's landmarks; those without a pixel size or with a missing point are left out.
        percentile: From which on a landmark is implausible.
        seed: Of the draws.

    Returns:
        A row a kind of error, `COLUMNS`: how many of the heads were recognised as implausible; how many of the moved landmarks
        were named, and how many would be placed anew where the network is torn between both places (its standard deviation
        is that of two equal peaks); the mean distance of those to the truth, before and after. Empty without such heads.
    """
    usable = np.isfinite(located.pixel_size_mm) & np.isfinite(located.points).all(axis=(1, 2))
    if not usable.any():
        return pd.DataFrame(columns=list(COLUMNS))
    heads = Located(*(field[usable] for field in located))
    rng = np.random.default_rng(seed)
    kinds: dict[str, Spoil] = {f"{shift:g} mm off": _shift(shift) for shift in SHIFTS_MM} | {"two swapped": _swap}
    rows = [{"error": kind, **_judge(prior, *_spoiled(heads, spoil, rng), percentile)} for kind, spoil in kinds.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _spoiled(heads: Located, spoil: Spoil, rng: np.random.Generator) -> tuple[Located, NDArray[np.bool_]]:
    """Random heads with an error each, the network torn there, and `(N, K)` which landmarks were moved."""
    rows = rng.integers(len(heads.points), size=N_DRAWS)
    drawn = Located(*(field[rows] for field in heads))
    points, moved = drawn.points.copy(), np.zeros(drawn.sigma_px.shape, dtype=np.bool_)
    for row, size in enumerate(drawn.pixel_size_mm):
        moved[row, spoil(points[row], float(size), rng)] = True
    apart = np.linalg.norm(points - drawn.points, axis=-1)
    return drawn._replace(points=points, sigma_px=np.hypot(drawn.sigma_px, apart / np.sqrt(8))), moved


def _judge(prior: AnatomicalPrior, wrong: Located, moved: NDArray[np.bool_], percentile: float) -> dict[str, float]:
    found = find_outliers(prior, wrong.points, wrong.sigma_px, percentile)
    unusual = prior.rarity(wrong.points).whole < 1 - percentile / 100
    replaced = found.replaced & moved
    before, after = (
        np.linalg.norm(points - wrong.truth, axis=-1) * wrong.pixel_size_mm[:, None] for points in (wrong.points, found.points)
    )
    known = replaced & np.isfinite(after)
    return {
        "recognised_percent": 100 * float((unusual | found.implausible.any(axis=1)).mean()),
        "named_percent": 100 * float(found.implausible[moved].mean()),
        "replaced_percent": 100 * float(replaced[moved].mean()),
        "error_before_mm": float(before[known].mean()) if known.any() else np.nan,
        "error_after_mm": float(after[known].mean()) if known.any() else np.nan,
    }


def _shift(length_mm: float) -> Spoil:
    def shift(head: NDArray[np.float64], pixel_size_mm: float, rng: np.random.Generator) -> list[int]:
        landmark, angle = int(rng.integers(len(head))), rng.uniform(0, 2 * np.pi)
        head[landmark] += length_mm / pixel_size_mm * np.array([np.cos(angle), np.sin(angle)])
        return [landmark]

    return shift


def _swap(head: NDArray[np.float64], pixel_size_mm: float, rng: np.random.Generator) -> list[int]:
    apart = np.linalg.norm(head[:, None] - head, axis=-1) * pixel_size_mm
    pairs = np.argwhere(np.triu(apart) > SWAPPED_MM)
    one, other = (int(number) for number in pairs[rng.integers(len(pairs))])
    head[[one, other]] = head[[other, one]]
    return [one, other]

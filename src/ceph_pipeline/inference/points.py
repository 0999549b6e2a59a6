"""Coordinates, uncertainties and flags of one image's points, for reports and pictures."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.cephalometry.evaluating import SYMBOLS
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.uncertainty.points import sigma_px

Places = dict[str, tuple[float, float]]
"""(x, y) in pixels by symbol; missing points are absent."""


def places_of(points: pd.DataFrame) -> Places:
    """Coordinates of the landmarks of one image, from rows `landmark, x, y`."""
    rows = zip(points["landmark"], points["x"], points["y"], strict=True)
    return {known_or_own(str(name)).symbol: (float(x), float(y)) for name, x, y in rows if np.isfinite(x) and np.isfinite(y)}


def measured_places(points: pd.DataFrame) -> Places:
    """`places_of` without a user's own landmarks, which no measurement uses."""
    return {symbol: place for symbol, place in places_of(points).items() if symbol in SYMBOLS}


def sigmas_of(points: pd.DataFrame) -> dict[str, float]:
    """`sigma_px` by symbol, of landmarks that measurements use; landmarks without a standard deviation are absent."""
    known = zip(points["landmark"], sigma_px(points), strict=True)
    sigmas = {known_or_own(str(name)).symbol: float(sigma) for name, sigma in known if np.isfinite(sigma)}
    return {symbol: sigma for symbol, sigma in sigmas.items() if symbol in SYMBOLS}


def is_flagged(points: pd.DataFrame) -> NDArray[np.bool_]:
    """Which points a person should check; none if the table has no column `flagged`."""
    return points["flagged"].to_numpy(np.bool_) if "flagged" in points else np.zeros(len(points), dtype=np.bool_)

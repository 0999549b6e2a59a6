"""Checks the training labels before the first epoch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from ceph_pipeline.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


def check_points(
    points: NDArray[np.float64], image_ids: Sequence[str], source_ids: Sequence[str], names: Sequence[str], place: str
) -> None:
    """Reject invalid points and a split without points; log a warning for landmarks without points.

    Args:
        points: `(N, K, 2)` px, NaN in both coordinates where missing.
        image_ids: N identifiers.
        source_ids: Identifiers of the source images, whose annotations can be corrected.
        names: K landmarks.
        place: Stage and split, for the message.

    Raises:
        TrainingError: a point has one missing or an infinite coordinate, or all points are missing.
    """
    missing = np.isnan(points).all(axis=-1)
    broken = ~missing & ~np.isfinite(points).all(axis=-1)
    if broken.any():
        image, landmark = np.argwhere(broken)[0]
        x, y = points[image, landmark]
        source = source_ids[image]
        where = image_ids[image] if image_ids[image] == source else f"{image_ids[image]}, augmented from {source},"
        raise TrainingError(
            f"{place}: landmark {names[landmark]!r} of image {where} is at x = {x}, y = {y}, expected two finite numbers, or "
            f"two missing values; {int(broken.sum())} such points. Correct the annotation, or exclude the point: "
            f"ingestion.exclude: [{source}/{names[landmark]}]"
        )
    if missing.all():
        raise TrainingError(
            f"{place}: none of its {len(image_ids)} images has a visible landmark. Check the parameter `reader`, "
            "the landmarks table and the audit's exclusions."
        )
    never = [names[int(channel)] for channel in np.flatnonzero(missing.all(axis=0))]
    if never:
        logger.warning("%s: no image has a point for %s; the landmark cannot be trained or validated", place, ", ".join(never))

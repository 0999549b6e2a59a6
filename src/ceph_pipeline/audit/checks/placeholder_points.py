"""Points that were not placed by a person: known placeholders, and pixels shared by too many landmarks or images."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams, PointParams
from ceph_pipeline.landmarks import RULER_MARKS


def check_placeholder_points(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One finding for each (image, reader, pixel).

    A finding is an error in these cases:

    - The pixel is a listed placeholder or next to one (formats count pixels from 0, 0.5 or 1).
    - Several landmarks of the image share the pixel.
    - The same landmark is on this pixel in many images. Ruler marks are excepted, since a device burns its scale in at a fixed
      place.

    It is an `info` if only two landmarks coincide, as Gnathion and Menton may.
    """
    points = evidence.readings.dropna(subset=["x", "y"])
    points = points[points["image_id"].isin(evidence.image_ids)]
    points = points.assign(reason=_reasons(points, len(evidence.image_ids), params.points))
    suspects = points[points["reason"] != ""]
    for (image_id, reader, x, y), group in suspects.groupby(["image_id", "reader", "x", "y"], sort=True):
        names = ", ".join(sorted(group["landmark"]))
        where = f"{reader}: {names} at ({x:g}, {y:g})"
        worst = max(group["reason"], key=lambda reason: reason != _COINCIDENT)
        yield Finding("info" if worst == _COINCIDENT else "error", f"{where}: {worst}.", str(image_id), names)


_COINCIDENT = "two landmarks on one pixel"
_NEXT_PX = 1.0


def _reasons(points: pd.DataFrame, n_images: int, params: PointParams) -> "pd.Series[str]":
    """The reason why each point is suspect, or empty; stronger reasons overwrite weaker ones."""
    landmarks_there = points.groupby(["image_id", "reader", "x", "y"])["landmark"].transform("size")
    images_there = points.groupby(["reader", "landmark", "x", "y"])["image_id"].transform("size")
    at_least = max(params.shared_min_images, params.shared_min_share * n_images)
    listed = np.zeros(len(points), bool)
    for x, y in params.placeholders_px:
        listed |= (((points["x"] - x).abs() <= _NEXT_PX) & ((points["y"] - y).abs() <= _NEXT_PX)).to_numpy()
    reason = pd.Series("", index=points.index, dtype=object)
    reason[landmarks_there == 2] = _COINCIDENT
    shared = (images_there >= at_least) & ~points["landmark"].isin(RULER_MARKS)
    reason[shared] = "the same pixel in " + images_there[shared].astype(str) + " images"
    crowded = landmarks_there >= params.shared_min_landmarks
    reason[crowded] = landmarks_there[crowded].astype(str) + " landmarks on one pixel"
    reason[listed] = "a placeholder of annotation tools"
    return reason

"""Points that lie outside their image."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_points_outside(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One finding per point: a warning near the edge, as soft tissue may exceed the image; an error far outside, as by a typo."""
    sizes = evidence.images[["width", "height"]].to_numpy(np.float64)
    for reader, points in evidence.points.items():
        beyond = np.maximum(-0.5 - points, points - (sizes[:, None] - 0.5))  # pixel centres are integers: the edge is at ½
        overshoot = np.maximum(beyond, 0.0).max(axis=-1)
        for row, k in np.argwhere(overshoot > 0):
            limit = params.points.outside_error_of_side * sizes[row].max()
            (x, y), (width, height) = points[row, k], sizes[row]
            yield Finding(
                "error" if overshoot[row, k] > limit else "warning",
                f"{reader}: {evidence.landmark_names[k]} at ({x:g}, {y:g}) lies {overshoot[row, k]:.1f} px outside "
                f"the {width:.0f} × {height:.0f} image.",
                evidence.image_ids[row],
                evidence.landmark_names[k],
            )

"""Landmarks in implausible positions, given the data set's shape model."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams
from ceph_pipeline.plausibility import displacements, find_swaps, implausible_landmarks


def check_shape_outliers(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each (image, reader) whose landmarks deviate, in Mahalanobis distance after Procrustes alignment.

    The data set's shape model predicts the position of each landmark from the others. Exchanged landmarks are reported by
    `swapped_landmarks` instead.
    """
    prior = evidence.shape_prior
    if prior is None:
        return
    limits = params.shapes
    columns = [evidence.landmark_names.index(name) for name in prior.landmarks]
    for reader, points in evidence.points.items():
        shapes = points[:, columns]
        for swap in find_swaps(prior, shapes, limits.percentile, limits.swap_least_drop):
            shapes[swap.row, [swap.first, swap.second]] = shapes[swap.row, [swap.second, swap.first]]
        odd = implausible_landmarks(prior, shapes, limits.percentile)
        off = displacements(prior, shapes, odd) * evidence.scale[:, None]
        deviation = np.sqrt(prior.distances(shapes).points)
        for row in np.flatnonzero(odd.any(axis=1)):
            worst_first = [k for k in np.argsort(-np.nan_to_num(off[row])) if odd[row, k]]
            names = [prior.landmarks[k] for k in worst_first]
            listed = ", ".join(
                f"{prior.landmarks[k]} {off[row, k]:.1f} {evidence.unit} ({deviation[row, k]:.0f} sd)" for k in worst_first
            )
            where = (
                "from the position predicted by the other landmarks"
                if len(names) == 1
                else "from the positions predicted by the others"
            )
            yield Finding("warning", f"{reader}: {listed} {where}.", evidence.image_ids[row], ", ".join(names))

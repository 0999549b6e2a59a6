"""Exchanged names of two landmarks of an image."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams
from ceph_pipeline.plausibility import find_swaps


def check_swapped_landmarks(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One finding for each (image, reader) whose configuration becomes plausible if two of its landmarks are exchanged.

    It is an error if the two landmarks are further apart than readers ever are, and a warning if they are neighbours.
    """
    prior = evidence.shape_prior
    if prior is None:
        return
    limits = params.shapes
    far = params.readers.far_mm if evidence.unit == "mm" else params.readers.far_px
    columns = [evidence.landmark_names.index(name) for name in prior.landmarks]
    for reader, points in evidence.points.items():
        shapes = points[:, columns]
        for row, first, second in find_swaps(prior, shapes, limits.percentile, limits.swap_least_drop):
            one, other = prior.landmarks[first], prior.landmarks[second]
            apart = np.linalg.norm(shapes[row, first] - shapes[row, second]) * evidence.scale[row]
            yield Finding(
                "error" if apart >= far else "warning",
                f"{reader}: {one} and {other}, {apart:.1f} {evidence.unit} apart, are exchanged: with the names swapped, the "
                "configuration is plausible.",
                evidence.image_ids[row],
                f"{one}, {other}",
            )

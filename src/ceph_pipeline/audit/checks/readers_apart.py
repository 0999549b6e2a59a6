"""Large distances between readers' points of the same landmark."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_readers_apart(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each image and pair of readers, with the affected landmarks, the largest distance first."""
    known = np.isfinite(evidence.pixel_size_mm)
    scale = np.where(known, evidence.pixel_size_mm, 1.0)[:, None]
    limit = np.where(known, params.readers.far_mm, params.readers.far_px)
    for (first, second), distance_px in evidence.reader_distances().items():
        distance = distance_px * scale
        for row in np.flatnonzero((distance > limit[:, None]).any(axis=1)):
            unit = "mm" if known[row] else "px"
            far = [k for k in np.argsort(-np.nan_to_num(distance[row])) if distance[row, k] > limit[row]]
            listed = ", ".join(f"{evidence.landmark_names[k]} {distance[row, k]:.1f} {unit}" for k in far)
            names = ", ".join(evidence.landmark_names[k] for k in far)
            apart = f"{first} and {second} are more than {limit[row]:g} {unit} apart: {listed}."
            yield Finding("warning", apart, evidence.image_ids[row], names)

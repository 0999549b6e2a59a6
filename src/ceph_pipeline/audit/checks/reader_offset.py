"""Systematic offsets between two readers' points of a landmark."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams
from ceph_pipeline.audit.reader_offsets import clipped, mean_offsets


def check_reader_offset(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each pair of readers, with the landmarks of significant mean difference, the largest first."""
    limits = params.readers
    least = limits.offset_mm if evidence.unit == "mm" else limits.offset_px
    for (first, second), differences in evidence.reader_differences().items():
        mean, chance = mean_offsets(clipped(differences))
        distance = np.linalg.norm(mean, axis=-1)
        beyond_chance = chance < limits.significance / max(len(distance), 1)
        offset = np.flatnonzero(beyond_chance & (np.nan_to_num(distance) >= least))
        if not len(offset):
            continue
        offset = offset[np.argsort(-distance[offset])]
        listed = ", ".join(
            f"{evidence.landmark_names[k]} {distance[k]:.2f} {evidence.unit} (x {mean[k, 0]:+.2f}, y {mean[k, 1]:+.2f})"
            for k in offset
        )
        yield Finding(
            "warning",
            f"{first} − {second}, mean over the images: {listed}.",
            landmark=", ".join(evidence.landmark_names[k] for k in offset),
        )

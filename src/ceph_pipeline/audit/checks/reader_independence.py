"""Readers who copied from each other: their distance says nothing about how well people agree."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_reader_independence(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each landmark on which two readers are identical on many images.

    By chance, readers 2 px apart (sd per axis) who click whole pixels coincide on about 2 % of the images.
    """
    for (first, second), distance in evidence.reader_distances().items():
        both = np.isfinite(distance).sum(axis=0)
        identical = (distance <= params.readers.identical_px).sum(axis=0)
        many = (identical >= params.readers.identical_min_images) & (identical >= params.readers.identical_share * both)
        for k in np.flatnonzero(many):
            name = evidence.landmark_names[k]
            yield Finding(
                "warning",
                f"{first} and {second} are identical on {name} in {identical[k]} of {both[k]} images: not independent readings.",
                landmark=name,
            )

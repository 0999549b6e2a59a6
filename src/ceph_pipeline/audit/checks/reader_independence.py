"""Points that readers copied from each other, whose distances do not measure the readers' agreement."""

from collections.abc import Iterator

import numpy as np

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_reader_independence(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each landmark on which two readers are identical on many images.

    Independent readers who differ by 2 px (sd per axis) and click whole pixels coincide on about 2 % of the images.
    """
    for (first, second), distance in evidence.reader_distances().items():
        both = np.isfinite(distance).sum(axis=0)
        identical = (distance <= params.readers.identical_px).sum(axis=0)
        many = (identical >= params.readers.identical_min_images) & (identical >= params.readers.identical_share * both)
        for k in np.flatnonzero(many):
            name = evidence.landmark_names[k]
            yield Finding(
                "warning",
                f"{first} and {second} are identical on {name} in {identical[k]} of {both[k]} images: not independent.",
                landmark=name,
            )

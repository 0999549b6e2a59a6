"""Single images whose S–N is far from their device's: a wrong point, or a wrong pixel size."""

from collections.abc import Iterator

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_sella_nasion(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning an image; lengths are compared within a device, in mm or, without a pixel size, in px."""
    limits = params.sella_nasion
    for (machine, unit), group in evidence.sella_nasion().groupby(["machine", "unit"], sort=True):
        median = group["length"].median()
        far = (group["length"] / median - 1).abs() > limits.relative
        if len(group) < limits.min_images:
            continue
        for image_id, length in group.loc[far, ["image_id", "length"]].itertuples(index=False):
            usual = f"the median of {len(group)} images of {machine} is {median:.1f} {unit}"
            yield Finding("warning", f"S–N is {length:.1f} {unit}, {usual}.", image_id, "Sella, Nasion")

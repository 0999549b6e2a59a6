"""Pixel sizes that cannot be true: the length S–N of a device's images says so."""

from collections.abc import Iterator

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_device_scale(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One error for each device whose median S–N no population has; it concerns no single image."""
    limits = params.sella_nasion
    lengths = evidence.sella_nasion()
    for machine, group in lengths[lengths["unit"] == "mm"].groupby("machine", sort=True):
        median = group["length"].median()
        if len(group) >= limits.min_images and not limits.low_mm <= median <= limits.high_mm:
            yield Finding(
                "error",
                f"{machine}: median S–N of {len(group)} images is {median:.1f} mm, plausible is {limits.low_mm:g}–"
                f"{limits.high_mm:g} mm. Its pixel size is wrong: do not pool its millimetres with other devices'.",
            )

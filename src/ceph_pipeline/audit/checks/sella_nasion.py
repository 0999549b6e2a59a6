"""The length S–N: devices with an implausible pixel size, and single images that differ much from their device."""

from collections.abc import Iterator

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_device_scale(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One error for each device whose median S–N is outside the range of human populations."""
    limits = params.sella_nasion
    lengths = evidence.sella_nasion()
    for machine, group in lengths[lengths["unit"] == "mm"].groupby("machine", sort=True):
        median = group["length"].median()
        if len(group) >= limits.min_images and not limits.low_mm <= median <= limits.high_mm:
            yield Finding(
                "error",
                f"{machine}: median S–N of {len(group)} images is {median:.1f} mm; plausible are {limits.low_mm:g}–"
                f"{limits.high_mm:g} mm. Its pixel size is wrong: do not pool its millimetres with other devices'.",
            )


def check_sella_nasion(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning per image; lengths are compared within a device, in mm or, without a pixel size, in px."""
    limits = params.sella_nasion
    for (machine, unit), group in evidence.sella_nasion().groupby(["machine", "unit"], sort=True):
        median = group["length"].median()
        far = (group["length"] / median - 1).abs() > limits.relative
        if len(group) < limits.min_images:
            continue
        for image_id, length in group.loc[far, ["image_id", "length"]].itertuples(index=False):
            usual = f"the median of {len(group)} images of {machine} is {median:.1f} {unit}"
            yield Finding("warning", f"S–N is {length:.1f} {unit}, {usual}.", image_id, "Sella, Nasion")

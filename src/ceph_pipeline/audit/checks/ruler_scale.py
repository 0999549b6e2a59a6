"""Pixel sizes that disagree with the ruler in the image."""

from collections.abc import Iterator

import pandas as pd

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_ruler_scale(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One error for each device whose ruler marks p1 and p2 have a wrong distance; one warning for each single image."""
    limits = params.ruler
    table = pd.DataFrame(
        {
            "image_id": evidence.image_ids,
            "machine": evidence.images["machine"],
            "length": evidence.length_px("p1", "p2") * evidence.pixel_size_mm,
        }
    ).dropna()
    for machine, group in table.groupby("machine", sort=True):
        if len(group) < limits.min_images:
            continue
        usual = float(group["length"].median())
        if abs(usual / limits.length_mm - 1) > limits.device_tolerance:
            yield Finding(
                "error",
                f"{machine}: the ruler of {limits.length_mm:g} mm measures {group['length'].mean():.2f} ± "
                f"{group['length'].std():.2f} mm on {len(group)} images; multiply its pixel size by "
                f"{limits.length_mm / usual:.3f}.",
                landmark="p1, p2",
            )
        for image_id, length in group[["image_id", "length"]].itertuples(index=False):
            if abs(length / usual - 1) > limits.image_tolerance:
                detail = f"the ruler measures {length:.2f} mm; on the {len(group)} images of {machine}, {usual:.2f} mm."
                yield Finding("warning", detail, image_id, "p1, p2")

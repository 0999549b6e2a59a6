"""Items that ingestion quarantined, and points without an image."""

from collections.abc import Iterator

import pandas as pd

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams
from ceph_pipeline.formats.problems import IGNORED
from ceph_pipeline.landmarks.tables import Severity


def check_unmatched_files(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each row of the quarantine, and one error for each identifier that has points but no image.

    Rows with the optional `outcome` `kept` or `ignored` are an `info`.
    """
    del params
    known = set(evidence.image_ids)
    quarantine = evidence.quarantine
    outcomes = quarantine.get("outcome", pd.Series("", index=quarantine.index))
    for item, reason, outcome in zip(quarantine["item"], quarantine["reason"], outcomes, strict=True):
        image_id = item.partition("/")[0]  # a point's item is `image/symbol`
        severity: Severity = "info" if outcome in ("kept", IGNORED) else "warning"
        yield Finding(severity, f"{item}: {reason}", image_id if image_id in known else "")
    for image_id in sorted(set(evidence.landmarks["image_id"]) - known):
        yield Finding("error", f"{image_id} has landmarks, but is not in the images table.", image_id)

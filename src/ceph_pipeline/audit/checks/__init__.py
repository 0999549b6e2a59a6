"""The checks, one a file. A new check is a function `(evidence, params) -> findings` and a line in `CHECKS`."""

from collections.abc import Callable, Iterable

import pandas as pd

from ceph_pipeline.audit.checks.device_scale import check_device_scale
from ceph_pipeline.audit.checks.missing_points import check_missing_points
from ceph_pipeline.audit.checks.near_duplicates import check_near_duplicates
from ceph_pipeline.audit.checks.placeholder_points import check_placeholder_points
from ceph_pipeline.audit.checks.points_outside import check_points_outside
from ceph_pipeline.audit.checks.reader_independence import check_reader_independence
from ceph_pipeline.audit.checks.readers_apart import check_readers_apart
from ceph_pipeline.audit.checks.sella_nasion import check_sella_nasion
from ceph_pipeline.audit.checks.unmatched_files import check_unmatched_files
from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding, findings_table
from ceph_pipeline.audit.params import AuditParams

Check = Callable[[Evidence, AuditParams], Iterable[Finding]]

CHECKS: dict[str, Check] = {
    "unmatched_files": check_unmatched_files,
    "missing_points": check_missing_points,
    "points_outside": check_points_outside,
    "placeholder_points": check_placeholder_points,
    "readers_apart": check_readers_apart,
    "reader_independence": check_reader_independence,
    "device_scale": check_device_scale,
    "sella_nasion": check_sella_nasion,
    "near_duplicates": check_near_duplicates,
}
"""By the name that the findings table carries, in its order."""


def run_checks(evidence: Evidence, params: AuditParams) -> pd.DataFrame:
    """Rows of `FindingTable` from every check, in a fixed order."""
    return findings_table((name, finding) for name, check in CHECKS.items() for finding in check(evidence, params))

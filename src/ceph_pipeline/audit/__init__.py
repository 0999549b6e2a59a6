"""The audit: detection of problems in a data set, and the list of images to leave out.

`ceph_pipeline.audit.duplicates.find_duplicates` (joblib) and `ceph_pipeline.audit.figures.overview` (matplotlib) are not
re-exported, so that registering the pipelines does not import these packages.
"""

from ceph_pipeline.audit.checks import CHECKS, run_checks
from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.exclusions import decide_exclusions
from ceph_pipeline.audit.findings import Finding, summary_line
from ceph_pipeline.audit.params import AuditParams
from ceph_pipeline.audit.tables import DuplicateTable

__all__ = [
    "CHECKS",
    "AuditParams",
    "DuplicateTable",
    "Evidence",
    "Finding",
    "decide_exclusions",
    "run_checks",
    "summary_line",
]

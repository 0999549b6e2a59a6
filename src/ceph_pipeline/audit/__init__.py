"""The audit: what is wrong with a data set, and what to leave out of it.

Figures live in `ceph_pipeline.audit.figures`, which imports matplotlib and is therefore not re-exported.
"""

from ceph_pipeline.audit.checks import CHECKS, run_checks
from ceph_pipeline.audit.duplicates import DuplicateTable, find_duplicates
from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.exclusions import decide_exclusions
from ceph_pipeline.audit.findings import Finding, Severity, summary_line
from ceph_pipeline.audit.params import AuditParams

__all__ = [
    "CHECKS",
    "AuditParams",
    "DuplicateTable",
    "Evidence",
    "Finding",
    "Severity",
    "decide_exclusions",
    "find_duplicates",
    "run_checks",
    "summary_line",
]

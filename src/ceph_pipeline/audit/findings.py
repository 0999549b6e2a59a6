"""Findings of checks, and their table."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from ceph_pipeline.landmarks.tables import SEVERITIES, Severity

COLUMNS = ["check", "severity", "image_id", "landmark", "detail", "suggestion"]


class Finding(NamedTuple):
    """One finding of a check.

    Attributes:
        severity: `error` if the image or device is unusable without a correction, `warning` if a person should check it,
            `info` for information only.
        detail: The evidence: one sentence with the values and, if there is one, the limit.
        image_id: The affected image; empty for a finding on a device or the whole data set.
        landmark: Full names of the affected landmarks, the worst first, separated by commas; may be empty.
    """

    severity: Severity
    detail: str
    image_id: str = ""
    landmark: str = ""


def findings_table(findings: Iterable[tuple[str, Finding]], suggestions: Mapping[str, str]) -> pd.DataFrame:
    """Rows of `FindingTable` from (check, finding) pairs: checks in the given order, each sorted by image and detail.

    Args:
        findings: In any order within a check.
        suggestions: Recommended action for the findings of each check.
    """
    rows = [
        (check, finding.severity, finding.image_id, finding.landmark, finding.detail, suggestions[check])
        for check, finding in findings
    ]
    order = {check: rank for rank, check in enumerate(dict.fromkeys(row[0] for row in rows))}
    rows.sort(key=lambda row: (order[row[0]], row[2], row[4]))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def severity_counts(findings: pd.DataFrame, checks: Iterable[str]) -> pd.DataFrame:
    """Findings by check (rows, in the given order) and severity (columns, mildest first)."""
    counts = pd.crosstab(findings["check"], findings["severity"])
    return counts.reindex(index=list(checks), columns=list(SEVERITIES), fill_value=0)


def summary_line(findings: pd.DataFrame, checks: Iterable[str]) -> str:
    """Counts of checks with findings, in one line: `points_outside 2 (1 error, 1 warning), near_duplicates 3 (3 error)`."""
    parts = []
    for check, counts in severity_counts(findings, checks).iterrows():
        found = [f"{int(counts[severity])} {severity}" for severity in reversed(SEVERITIES) if counts[severity]]
        if found:
            parts.append(f"{check} {int(counts.sum())} ({', '.join(found)})")
    return ", ".join(parts) or "none"

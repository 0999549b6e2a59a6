"""Findings: what a check has to say, and the table they are kept in."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from ceph_pipeline.landmarks.tables import SEVERITIES, Severity

COLUMNS = ["check", "severity", "image_id", "landmark", "detail", "suggestion"]


class Finding(NamedTuple):
    """One thing a check noticed.

    Attributes:
        severity: `error` where the image or the device cannot be used as it is, `warning` where a person should look,
            `info` where it is good to know.
        detail: The evidence: one sentence with the values found and, where there is one, the limit.
        image_id: The image concerned; empty where a device or the whole data set is meant.
        landmark: Full names of the landmarks concerned, the gravest first, separated by commas; empty where none is meant.
    """

    severity: Severity
    detail: str
    image_id: str = ""
    landmark: str = ""


def findings_table(findings: Iterable[tuple[str, Finding]], suggestions: Mapping[str, str]) -> pd.DataFrame:
    """Rows of `FindingTable` from (check, finding) pairs: checks in the given order, within one by image and detail.

    Args:
        findings: In any order within a check.
        suggestions: What a person can do about a check's findings, by check.
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
    """The counts in one line, silent checks left out: `points_outside 2 (1 error, 1 warning), near_duplicates 3 (3 error)`."""
    parts = []
    for check, counts in severity_counts(findings, checks).iterrows():
        found = [f"{int(counts[severity])} {severity}" for severity in reversed(SEVERITIES) if counts[severity]]
        if found:
            parts.append(f"{check} {int(counts.sum())} ({', '.join(found)})")
    return ", ".join(parts) or "none"

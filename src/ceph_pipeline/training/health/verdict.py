"""Evaluates the checks: the findings at the end of a training, their first epochs, and whether a training is hopeless."""

from collections.abc import Iterable

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from ceph_pipeline.training.health.checks import run_checks
from ceph_pipeline.training.health.record import TrainingRecord

PATIENCE = 3
"""Number of successive validations with a finding after which a training is hopeless."""


class HealthTable(pa.DataFrameModel):
    """One row per finding."""

    check: Series[str]
    severity: Series[str] = pa.Field(isin=["warning", "error"])
    epoch: Series[int] = pa.Field(ge=1, description="first epoch of the finding")
    detail: Series[str] = pa.Field(description="the evidence, and other causes of the same symptom")
    value: Series[float] = pa.Field(nullable=True, description="the evidence as one number, its unit in the detail")
    limit: Series[float] = pa.Field(nullable=True, description="threshold that the value crossed")
    setting: Series[str] = pa.Field(description="dotted name of the parameter to change; empty if no parameter helps")
    suggestion: Series[str] = pa.Field(description="new value of the parameter, or another remedy")

    class Config:
        """Types are coerced, and additional columns are rejected."""

        coerce = True
        strict = True


def examine(record: TrainingRecord) -> pd.DataFrame:
    """Rows of `HealthTable` for the findings at the end of a training, errors first, each with its first epoch."""
    found = run_checks(record)
    since = _standing_since(record, found)
    rows = [
        {
            **finding._asdict(),
            "check": check,
            "epoch": since[check],
            "setting": f"{record.stage}.{finding.setting}" if finding.setting else "",
        }
        for check, finding in found.items()
    ]
    rows.sort(key=lambda row: row["severity"] != "error")
    return pd.DataFrame(rows, columns=list(HealthTable.to_schema().columns)).astype(
        {"epoch": int, "value": float, "limit": float}
    )


def hopeless(record: TrainingRecord) -> str | None:
    """The reason why a training is hopeless, or None.

    Values that are not finite suffice at once; other findings must persist for `PATIENCE` validations.
    """
    found = {check: finding for check, finding in run_checks(record).items() if finding.hopeless}
    if "not_finite" in found:
        return found["not_finite"].detail
    epochs = [epoch for epoch, _ in record.validated()][-PATIENCE:]
    for check, finding in found.items():
        if len(epochs) == PATIENCE and all(_stands(record.until(epoch), check) for epoch in epochs[:-1]):
            return finding.detail
    return None


def _stands(record: TrainingRecord, check: str) -> bool:
    finding = run_checks(record).get(check)
    return finding is not None and finding.hopeless


def _standing_since(record: TrainingRecord, found: Iterable[str]) -> dict[str, int]:
    """For each check with a finding, the first of the successive epochs with this finding."""
    since, standing = dict.fromkeys(found, record.epochs[-1].epoch), set(found)
    for entry in record.epochs[-2::-1]:
        if not standing:
            break
        standing &= run_checks(record.until(entry.epoch)).keys()
        since |= dict.fromkeys(standing, entry.epoch)
    return since

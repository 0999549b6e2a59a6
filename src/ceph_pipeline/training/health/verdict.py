"""From checks to a verdict: what stands at the end of a training, since when, and whether going on makes sense."""

from collections.abc import Iterable

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from ceph_pipeline.training.health.checks import run_checks
from ceph_pipeline.training.health.record import TrainingRecord

PATIENCE = 3
"""Validations for which a finding has to stand before a training is given up."""


class HealthTable(pa.DataFrameModel):
    """One row a finding."""

    check: Series[str]
    severity: Series[str] = pa.Field(isin=["warning", "error"])
    epoch: Series[int] = pa.Field(ge=1, description="since when it has stood")
    detail: Series[str] = pa.Field(description="what was seen, and what it cannot be told apart from")
    value: Series[float] = pa.Field(nullable=True, description="the evidence as one number, its unit in the detail")
    limit: Series[float] = pa.Field(nullable=True, description="which the value crossed")
    setting: Series[str] = pa.Field(description="the parameter to change, by its dotted name; empty where no parameter helps")
    suggestion: Series[str] = pa.Field(description="what to change it to, or what to do")

    class Config:
        """Types are coerced, and further columns refused."""

        coerce = True
        strict = True


def examine(record: TrainingRecord) -> pd.DataFrame:
    """Rows of `HealthTable` for the findings that stand at the end, worst first, with the epoch since which each has stood."""
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
    """Why going on is a waste, or None.

    Values that are not finite count at once; anything else has to stand for `PATIENCE` validations.
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
    """For each check that finds something now, the first of the epochs over which it has done so without a break."""
    since, standing = dict.fromkeys(found, record.epochs[-1].epoch), set(found)
    for entry in record.epochs[-2::-1]:
        if not standing:
            break
        standing &= run_checks(record.until(entry.epoch)).keys()
        since |= dict.fromkeys(standing, entry.epoch)
    return since

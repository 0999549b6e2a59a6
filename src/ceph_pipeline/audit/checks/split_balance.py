"""Differences between splits in the shares of devices and CVM stages."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams, BalanceParams
from ceph_pipeline.landmarks.tables import SPLITS, patients_of


def check_device_splits(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning if devices are unevenly distributed over the splits, and one for each device without training images."""
    counts = _by_split(evidence.images["machine"], evidence.images["split"])
    yield from _uneven(_patients_by_split(evidence, evidence.images, "machine"), "devices", params.balance)
    for machine in counts.index[(counts.get("train", 0) == 0) & (counts.sum(axis=1) >= params.balance.min_count)]:
        if "train" in counts:
            where = ", ".join(f"{counts.loc[machine, split]} {split}" for split in counts.columns if counts.loc[machine, split])
            yield Finding("warning", f"{machine} has no training image ({where}): its errors are errors on an unseen device.")


def check_cvm_balance(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each rare or absent CVM stage of the training images, and one if splits differ significantly."""
    cvm = evidence.cvm.merge(evidence.images[["image_id", "split"]], on="image_id")
    if cvm.empty:
        return
    counts = _by_split(cvm["stage"], cvm["split"]).reindex(range(1, 7), fill_value=0)
    yield from _uneven(_patients_by_split(evidence, cvm, "stage"), "CVM stages", params.balance)
    if "train" not in counts:
        return
    trained = counts["train"]
    rare = params.balance.rare_stage_share * trained.sum()
    for stage, count in trained.items():
        if count < rare and rare >= 1:  # in fewer images a stage may be absent by chance
            yield Finding("warning", f"CS{stage} is on {count} of {trained.sum()} training images with a CVM stage.")


def _by_split(values: "pd.Series[str] | pd.Series[int]", splits: "pd.Series[str]") -> pd.DataFrame:
    """Counts: one row per value, one column per split with any value."""
    counts = pd.crosstab(values, splits)
    return counts[[split for split in SPLITS if split in counts]]


def _patients_by_split(evidence: Evidence, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Like `_by_split`, with each value of a patient counted once, since the test assumes independent counts."""
    patients = table.assign(patient=patients_of(evidence.images, table["image_id"])).drop_duplicates(["patient", column])
    return _by_split(patients[column], patients["split"])


def _uneven(counts: pd.DataFrame, what: str, limits: BalanceParams) -> Iterator[Finding]:
    """A χ² test of independence, with a threshold on Cramér's V, since any difference is significant in a large data set."""
    from scipy import stats

    occurring = counts[counts.sum(axis=1) > 0]
    if min(occurring.shape) < 2:
        return
    result = stats.chi2_contingency(occurring)
    strength = float(np.sqrt(result.statistic / (occurring.to_numpy().sum() * (min(occurring.shape) - 1))))
    if result.pvalue < limits.significance and strength > limits.least_cramers_v:
        shares = 100 * occurring / occurring.sum()
        rows = "; ".join(
            f"{name}: " + ", ".join(f"{share:.0f} % of {split}" for split, share in row.items())
            for name, row in shares.iterrows()
        )
        yield Finding(
            "warning",
            f"{what} differ between splits (χ² {result.statistic:.0f}, {result.dof} degrees of freedom, Cramér's V "
            f"{strength:.2f}): {rows}.",
        )

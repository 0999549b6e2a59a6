"""From runs to the table of failures induced and recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ceph_pipeline.training.health.checks import CHECKS
from ceph_pipeline.training.health.proof.trials import Trial


class Run(NamedTuple):
    """What the report said about one training.

    Attributes:
        trial: Its name.
        seed: Of its phantoms, labels, weights and order.
        checks: Those that spoke, whatever the severity.
        mre_mm: Validation error at the end.
    """

    trial: str
    seed: int
    checks: tuple[str, ...]
    mre_mm: float


def recognised(trial: Trial, run: Run) -> bool:
    """A healthy training in silence, a failed one by a check that names it."""
    return bool(trial.recognised_by & set(run.checks)) if trial.recognised_by else not run.checks


def confusion_table(trials: Sequence[Trial], runs: Sequence[Run]) -> str:
    """Markdown: a row for each trial, a column for each check that spoke; the checks that were to speak are bold."""
    spoke = [check for check in CHECKS if any(check in run.checks for run in runs)]
    lines = [
        f"| trained | MRE mm | right | {' | '.join(spoke)} |",
        f"|---|---|---|{'---|' * len(spoke)}",
    ]
    for trial in trials:
        of_trial = [run for run in runs if run.trial == trial.name]
        if not of_trial:
            continue
        counts = Counter(check for run in of_trial for check in run.checks)
        cells = [_cell(counts[check], named=check in trial.recognised_by) for check in spoke]
        right = f"{sum(recognised(trial, run) for run in of_trial)} of {len(of_trial)}"
        errors = sorted(run.mre_mm for run in of_trial)
        lines.append(f"| {trial.name} | {errors[0]:.1f}–{errors[-1]:.1f} | {right} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(count: int, *, named: bool) -> str:
    if not count:
        return ""
    return f"**{count}**" if named else str(count)

"""Validation of the health report: each trial is trained with each seed, and a table shows which checks had findings.

The trials are in `health_trials.py`: induced failures, and healthy trainings, in which no check may have a finding.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
import torch
from health_phantoms import draw_phantoms
from health_trials import TRIALS, Trial
from joblib import Parallel, delayed

from ceph_pipeline.training import TrainingError, run
from ceph_pipeline.training.health.checks import CHECKS
from ceph_pipeline.training.stage1 import Stage1Job

logger = logging.getLogger(__name__)

N_TRAIN, N_VALID = 64, 16


class Run(NamedTuple):
    """Result of the health report of one training.

    Attributes:
        trial: Name of the trial.
        seed: Seed of the phantoms, labels, weights and order.
        checks: Checks with a finding of any severity.
        mre_mm: Validation error at the end of the training, in mm.
    """

    trial: str
    seed: int
    checks: tuple[str, ...]
    mre_mm: float


def train_trial(trial: Trial, seed: int, folder: Path) -> Run:
    """Train a trial, and read the health report of this training.

    Args:
        trial: The trial.
        seed: Seed of all random choices; the phantoms of a seed are the same in every trial.
        folder: Folder in which `<trial> <seed>` is created, with phantoms and report.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    own = folder / f"{trial.name} {seed}"
    tables, cache = draw_phantoms(own / "phantoms", seed, N_TRAIN, N_VALID)
    with contextlib.suppress(TrainingError):  # a training that ends in NaN is stopped, but its report exists
        run.train(Stage1Job(trial.tables(tables, seed), cache, trial.params(seed)), own)
    findings = pd.read_parquet(own / "health.parquet")
    epochs = json.loads((own / "health.json").read_text(encoding="utf-8"))["record"]["epochs"]
    return Run(trial.name, seed, tuple(findings["check"]), epochs[-1]["curves"].get("val/mre_mm", float("nan")))


def recognised(trial: Trial, run: Run) -> bool:
    """Whether a failed training has a finding of an expected check, or a healthy training has no finding."""
    return bool(trial.recognised_by & set(run.checks)) if trial.recognised_by else not run.checks


def confusion_table(trials: Sequence[Trial], runs: Sequence[Run]) -> str:
    """Markdown table with a row per trial and a column per check that had findings; counts of expected checks are bold."""
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


@click.command()
@click.option("--seeds", default="11,12,13", show_default=True, help="Comma-separated seeds; each is used in every trial.")
@click.option("--only", default="", help="Train only trials whose name contains this text.")
@click.option("--jobs", default=2, show_default=True, help="Number of parallel trainings, with one thread each.")
@click.option("--table", type=click.Path(path_type=Path), help="Markdown file to which the table is written.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder in which phantoms, reports and checkpoints are kept.")
def main(seeds: str, only: str, jobs: int, table: Path | None, keep: Path | None) -> None:
    """Train every trial with every seed; the exit status is 0 if every training was recognised."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    trials = [trial for trial in TRIALS if only in trial.name]
    numbers = [int(seed) for seed in seeds.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        runs: list[Run] = []
        workers = Parallel(n_jobs=jobs, return_as="generator")
        for run in workers(delayed(train_trial)(trial, seed, keep or Path(scratch)) for trial in trials for seed in numbers):
            logger.info("%s, seed %d: %.2f mm, %s", run.trial, run.seed, run.mre_mm, ", ".join(run.checks) or "no findings")
            runs.append(run)
    drawn = confusion_table(trials, runs)
    click.echo(drawn)
    if table is not None:
        table.write_text(drawn, encoding="utf-8")
    by_name = {trial.name: trial for trial in trials}
    sys.exit(0 if all(recognised(by_name[run.trial], run) for run in runs) else 1)


if __name__ == "__main__":
    main()

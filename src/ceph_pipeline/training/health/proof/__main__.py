"""Train every trial with every seed, and write down what the health report recognised.

python -m ceph_pipeline.training.health.proof --seeds 11 12 13 --table docs/health_confusion.md
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from joblib import Parallel, delayed

from ceph_pipeline.training.health.proof.confusion import Run, confusion_table, recognised
from ceph_pipeline.training.health.proof.training import train_trial
from ceph_pipeline.training.health.proof.trials import TRIALS

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Run the proof; the exit status is 0 where everything was told right."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    trials = [trial for trial in TRIALS if options.only in trial.name]
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        runs: list[Run] = []
        workers = Parallel(n_jobs=options.jobs, return_as="generator")
        for run in workers(delayed(train_trial)(trial, seed, folder) for trial in trials for seed in options.seeds):
            logger.info("%s, seed %d: %.2f mm, %s", run.trial, run.seed, run.mre_mm, ", ".join(run.checks) or "silent")
            runs.append(run)
    table = confusion_table(trials, runs)
    logger.info("\n%s", table)
    if options.table is not None:
        options.table.write_text(table, encoding="utf-8")
    by_name = {trial.name: trial for trial in trials}
    return 0 if all(recognised(by_name[run.trial], run) for run in runs) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ceph_pipeline.training.health.proof", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--only", default="", help="trials whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--table", type=Path, help="Markdown file for the table")
    parser.add_argument("--keep", type=Path, help="folder for phantoms, reports and checkpoints, kept for a second look")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

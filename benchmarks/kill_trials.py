"""Kill small runs of the demo at random moments in every node, restart them, and compare them with an undisturbed run.

    python benchmarks/kill_trials.py --kills 100 --into /scratch/kills

The run of each project is killed several times, by SIGKILL, SIGINT and SIGTERM in turn, and in the order of the nodes. It is
restarted with the same command after each kill, and the last run is not killed. Then three conditions are checked:

- Figures and predictions are bit-identical to those of an undisturbed run.
- No partly written file is left.
- In MLflow, the last run is FINISHED, every killed run is KILLED, and no run is RUNNING.

All runs are forked from one process that has imported the libraries; apart from this, they are identical to `kedro run`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

SOURCE = Path(__file__).resolve().parents[1]

PARAMS = (
    "phantom.n_images=10,phantom.long_side_px=300,crops.crop_px=64,detector.views_stage1=five,detector.views_stage2=single,"
    "stage1.net.backbone=mobilenetv3_small_050,stage1.net.input_width_px=64,stage1.net.input_height_px=96,stage1.optim.epochs=3,"
    "stage2.net.backbone=mobilenetv3_small_050,stage2.optim.epochs=3,stage2.crops_per_epoch=128,stage2.valid_crops=64,"
    "stage1.loop.workers=0,stage2.loop.workers=0,evaluation.statistics.n_resamples=200"
)
"""Parameters with which the demo takes half a minute; the networks are trained too briefly to be accurate."""

COMMAND = ["kedro", "run", "--env", "demo", "--pipelines", "demo", "--params", PARAMS]
LIBRARIES = ("cv2", "joblib", "kedro.framework.cli.cli", "kedro_mlflow", "lightning", "matplotlib.pyplot", "pandera", "timm")
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
KILLS_A_PROJECT = 9
SHOWN = 40
"""Number of lines of a failed run's output that are shown."""
RESULTS = ("08_reporting/evaluation/metrics.json", "07_model_output/predictions.parquet")


Outcome = Literal["killed", "ignored", "too late"]


class Kill(NamedTuple):
    """A planned kill: the node in which the run is killed, and the signal."""

    node: str
    signal: signal.Signals


class Started(NamedTuple):
    """The start of a node, in seconds after the start of the run."""

    node: str
    after_s: float


class Trial(NamedTuple):
    """The kills of one project that hit a running process, and the faults found."""

    hits: list[Kill]
    wrong: list[str]


class Run:
    """`kedro run` in a separate process, whose progress can be followed."""

    def __init__(self, project: Path) -> None:
        self._began = time.monotonic()
        reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reading)
            _become_kedro(project, writing)
        os.close(writing)
        self._lines = os.fdopen(reading, encoding="utf-8", errors="replace")
        self.output = list[str]()

    def nodes(self) -> Iterator[Started]:
        """Nodes at their start. Kedro prints names without the pipeline, so the second node of a name is called `name 2`."""
        seen = Counter[str]()
        for line in self._lines:
            self.output.append(line)
            if "Running node: " in line:
                name = line.split("Running node: ", 1)[1].split(":")[0].strip()
                seen[name] += 1
                yield Started(name if seen[name] == 1 else f"{name} {seen[name]}", time.monotonic() - self._began)

    def kill(self, by: signal.Signals) -> bool:
        """Send a signal if the run has not ended; returns whether the signal was sent."""
        if os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return False
        os.kill(self._pid, by)
        return True

    def end(self) -> int:
        """Wait for the end; returns the exit code, which is negative if a signal ended the run."""
        for line in self._lines:
            self.output.append(line)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def _become_kedro(project: Path, output: int) -> None:
    """Run the command in the child process of a fork; never returns."""
    code = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setsid()
        os.chdir(project)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = list(COMMAND)
        from kedro.framework.cli.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def new_project(root: Path, source: Path) -> Path:
    """Create a project with the configuration and code of another project, without data."""
    root.mkdir(parents=True)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(source / name, root)
    for name in ("conf", "src"):
        shutil.copytree(source / name, root / name, ignore=shutil.ignore_patterns("local"))
    (root / "conf" / "local").mkdir()
    return root


def undisturbed(root: Path) -> list[Started]:
    """Run once without a kill; returns the start of each node, and finally the end of the run.

    Raises:
        RuntimeError: the run failed.
    """
    new_project(root, SOURCE)
    with (root / "conf" / "demo" / "globals.yml").open("a", encoding="utf-8") as stream:
        stream.write("\nn_jobs: 1\n")
    run = Run(root)
    nodes = list(run.nodes())
    if run.end() != 0:
        raise RuntimeError("".join(run.output[-SHOWN:]))
    return [*nodes, Started("end", time.monotonic() - run._began)]


def plan(nodes: list[str], kills: int) -> list[list[Kill]]:
    """Kills of each project, in the order of the nodes; the kills are distributed evenly over nodes and signals."""
    drawn = [Kill(nodes[number % len(nodes)], SIGNALS[(number + number // len(nodes)) % len(SIGNALS)]) for number in range(kills)]
    projects = -(-kills // KILLS_A_PROJECT)
    return [sorted(drawn[first::projects], key=lambda kill: nodes.index(kill.node)) for first in range(projects)]


def interrupted(project: Path, kill: Kill, length_s: float, moment: random.Random) -> Outcome:
    """Start a run and kill it within a node; if the run continues and finishes, its output is written to `ignored.txt`."""
    run, sent = Run(project), False
    for started in run.nodes():
        if started.node == kill.node:
            time.sleep(moment.uniform(0, length_s))
            sent = run.kill(kill.signal)
            break
    ended = run.end() != 0
    if sent and not ended:
        (project / "ignored.txt").write_text("".join(run.output), encoding="utf-8")
    return "killed" if sent and ended else "ignored" if sent else "too late"


def problems(project: Path, whole: Path, kills: int, finished: int) -> list[str]:
    """Faults of a project, given the number of its killed runs and of its finished runs."""
    data = project / "data" / "demo"
    found = [name for name in RESULTS if (data / name).read_bytes() != (whole / "data" / "demo" / name).read_bytes()]
    found += [str(path.relative_to(data)) for path in data.rglob(".*.part-*")]
    states = run_states(project)
    parents = Counter(state for state, is_parent in states if is_parent)
    if parents["FINISHED"] != finished or set(parents) - {"FINISHED", "KILLED"} or parents["KILLED"] > kills:
        found.append(f"states of the runs after {kills} kills: {dict(parents)}")
    if others := {state for state, is_parent in states if not is_parent} - {"FINISHED", "KILLED"}:
        found.append(f"states of trainings: {others}")
    return found


def run_states(project: Path) -> list[tuple[str, bool]]:
    """State of every MLflow run, and whether it is a parent run; trainings are nested runs."""
    nested = "SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND key = 'mlflow.parentRunId'"
    query = f"SELECT status, NOT EXISTS ({nested}) FROM runs"  # noqa: S608 - the text is constant
    with closing(sqlite3.connect(project / "mlflow.db")) as database:
        return [(state, bool(is_parent)) for state, is_parent in database.execute(query)]


def trial(project: Path, whole: Path, kills: list[Kill], lengths: dict[str, float], moment: random.Random) -> Trial:
    """Kill the runs of one project as planned, finish it, and check the results."""
    found = Trial([], [])
    for kill in kills:
        outcome = interrupted(project, kill, lengths[kill.node], moment)
        if outcome == "killed":
            found.hits.append(kill)
            if kill.signal is not signal.SIGKILL and "RUNNING" in dict(run_states(project)):
                found.wrong.append(f"{kill.node}: RUNNING after {kill.signal.name}")
        elif outcome == "ignored":
            found.wrong.append(f"{kill.node}: continues after {kill.signal.name}")
    last = Run(project)
    list(last.nodes())
    finished = len(kills) - len(found.hits) + 1
    found.wrong.extend(
        problems(project, whole, len(found.hits), finished) if last.end() == 0 else ["the last run fails", *last.output[-SHOWN:]]
    )
    return found


def main() -> None:
    """Kill and compare runs, and print the number of kills and of projects with faults."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--into", type=Path, required=True, help="empty folder of the projects and of `kills.jsonl`")
    options = arguments.parse_args()
    os.environ |= {"COLUMNS": "1000", "OMP_NUM_THREADS": "1"}
    _import_libraries()
    whole = options.into / "whole"
    course = undisturbed(whole)
    lengths = {node.node: after.after_s - node.after_s for node, after in pairwise(course)}
    print(f"undisturbed run: {len(lengths)} nodes in {course[-1].after_s:.0f} s", flush=True)
    moment, hits, wrong = random.Random(options.seed), list[Kill](), 0  # noqa: S311 - random moments, not cryptography
    for number, kills in enumerate(plan(list(lengths), options.kills)):
        project = new_project(options.into / f"project_{number:02d}", whole)
        found = trial(project, whole, kills, lengths, moment)
        hits += found.hits
        wrong += bool(found.wrong)
        with (options.into / "kills.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(
                json.dumps({"hits": [(kill.node, kill.signal.name) for kill in found.hits], "wrong": found.wrong}) + "\n"
            )
        print(f"{project.name}: {len(found.hits)} of {len(kills)} kills hit a run; faults: {found.wrong or 'none'}", flush=True)
        if not found.wrong:
            shutil.rmtree(project)
    by_signal = dict(Counter(kill.signal.name for kill in hits))
    print(f"{len(hits)} kills {by_signal} in {len({kill.node for kill in hits})} of {len(lengths)} nodes; {wrong} projects wrong")
    sys.exit(1 if wrong else 0)


def _import_libraries() -> None:
    """Import the libraries of a run before the fork; nothing is computed, so no thread is started."""
    for name in LIBRARIES:
        __import__(name)


if __name__ == "__main__":
    main()

"""What a run ends with: its figures, what they say, and where everything is."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from rich.console import Console
from rich.table import Table

METRICS = "metrics"
"""The catalog's name of the evaluation's report."""

THRESHOLDS = ("2.0", "2.5", "3.0", "4.0")


class SummaryHook:
    """Prints a table of the stages when the evaluation has run, and after every run where to look."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._start = time.monotonic()

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the summary."""
        places = [("MLflow", f"{kedro_command()} mlflow ui"), ("kedro-viz", f"{kedro_command()} viz run")]
        if run_params["env"]:
            places = [(what, f"{command} --env {run_params['env']}") for what, command in places]
        if METRICS in pipeline.all_outputs():
            report = catalog.load(METRICS)
            self._console.print(stage_table(report))
            for line in verdicts(report["details"]):
                self._console.print(line)
            places.insert(0, ("report", str(_folder(catalog))))
        self._console.print()
        for what, where in places:
            self._console.print(f"{what:>10}  {where}", soft_wrap=True)
        seconds = round(time.monotonic() - self._start)
        self._console.print(f"{'time':>10}  {seconds // 60} min {seconds % 60} s")


def stage_table(report: dict[str, Any]) -> Table:
    """The stages' errors and detection rates on the test split.

    Args:
        report: `metrics.json`: stages and `mean_shape` at the top, everything else under `details`.
    """
    stages = {name: fields for name, fields in report.items() if name != "details"}
    first = next(iter(stages.values()))
    table = Table(title=f"Test split: {first['n_images']} cephalograms, {first['n_landmarks']} landmarks", title_justify="left")
    table.add_column("stage")
    for column in ("MRE mm", "95 % interval", "MRE px", *(f"SDR {float(threshold):g} mm" for threshold in THRESHOLDS)):
        table.add_column(column, justify="right")
    for name, fields in stages.items():
        interval = fields["mre_mm_ci95"]
        table.add_row(
            name.replace("_", " + " if name.endswith("_tta") else " "),
            _number(fields["mre_mm"], 3),
            f"{_number(interval[0], 3)} to {_number(interval[1], 3)}" if interval else "unknown",
            _number(fields["mre_px"], 2),
            *(_number(fields[f"sdr_{threshold}"], 1) for threshold in THRESHOLDS),
        )
    return table


def verdicts(details: dict[str, Any]) -> Iterator[str]:
    """Sentences on what refinement gains and on the guess that every stage has to beat.

    Args:
        details: `comparisons` by `<new>_vs_<old>` and `beats_mean_shape` by stage.
    """
    for new, old in (("stage2", "stage1"), ("stage2_tta", "stage1_tta")):
        result = details["comparisons"].get(f"{new}_vs_{old}")
        if result:
            gain, interval = result["improvement_percent"], result["ci95"]
            bounds = f" (95 % interval {interval[0]:.1f} to {interval[1]:.1f} %, images paired)" if interval else ""
            outcome = f"beats {old} by {gain:.1f} %" if gain > 0 else f"is {-gain:.1f} % worse than {old}"
            yield f"{new} {outcome}{bounds}."
    losers = [stage for stage, beats in details["beats_mean_shape"].items() if not beats]
    yield "Every stage beats the mean-shape guess." if not losers else f"Worse than the mean-shape guess: {', '.join(losers)}."


def kedro_command() -> str:
    """How this process's `kedro` is called from the working folder: `.venv/bin/kedro`, or `kedro` where it is on the path."""
    program = Path(sys.argv[0])
    if program.name != "kedro" or not program.is_relative_to(Path.cwd()):
        return "kedro"
    return str(program.relative_to(Path.cwd()))


def _folder(catalog: DataCatalog) -> Path:
    """Where the evaluation's files are, relative to the working folder where they lie in it."""
    folder = Path(catalog[METRICS]._describe()["filepath"]).parent
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"

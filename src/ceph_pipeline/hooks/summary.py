"""What a run ends with: its figures, what they say, and where everything is."""

import sys
import time
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from rich.console import Console

REPORT = "metrics"
"""The catalog's name of the evaluation's report."""


class SummaryHook:
    """Ends every run with where to look, and a run of the evaluation with its table of stages."""

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
        if REPORT in pipeline.all_outputs():
            from ceph_pipeline.evaluation import summary

            self._console.print(summary.render(catalog.load(REPORT)))
            file = catalog[REPORT]._describe()["filepath"]
            self._tell("report", file.rpartition("/")[0] if "://" in file else str(_shortest(Path(file).parent)))
        env = f" --env {run_params['env']}" if run_params["env"] else ""
        self._tell("kedro-viz", f"{kedro_command()} viz run{env}")
        self._tell("MLflow", f"{kedro_command()} mlflow ui{env}")
        minutes, seconds = divmod(round(time.monotonic() - self._start), 60)
        self._tell("time", f"{minutes} min {seconds} s")

    def _tell(self, what: str, where: str) -> None:
        self._console.print(f"  [bold]{what:<10}[/bold] {where}", soft_wrap=True)


def kedro_command() -> str:
    """How this process's `kedro` is called from the working folder: `.venv/bin/kedro`, or `kedro` where it is on the path."""
    program = Path(sys.argv[0])
    return str(_shortest(program)) if program.name == "kedro" and program.is_relative_to(Path.cwd()) else "kedro"


def _shortest(path: Path) -> Path:
    """Relative to the working folder where the path lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

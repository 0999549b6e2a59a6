"""Summary at the end of a run: results, and where files and commands are."""

import sys
import time
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from rich.console import Console

REPORT = "metrics"
"""Name of the evaluation's results in the catalog."""

CROSS_VALIDATION = "cross_validation"
"""Name of the results of cross-validation in the catalog."""

PAGES = {"audit": "audit_html", "report": "evaluation_html", "ruler": "ruler_html"}
"""Reports of pipelines, and their names in the catalog."""

FOLDER_OF_REPORTS, OVERVIEW = "inference_report_folder", "index.html"
"""Name in the catalog of the folder of the reports of new X-rays, and the file with the overview of them."""


class SummaryHook:
    """Prints the files to open after a run and, after an evaluation or cross-validation, its errors."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._start = time.monotonic()

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Store the start time."""
        self._start = time.monotonic()

    @hook_impl(trylast=True)
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the summary."""
        if REPORT in pipeline.all_outputs():
            from ceph_pipeline.evaluation import summary

            self._console.print(summary.render(catalog.load(REPORT)))
        if CROSS_VALIDATION in pipeline.all_outputs():
            from ceph_pipeline.evaluation.cross_validation import cross_validation_lines

            for line in cross_validation_lines(catalog.load(CROSS_VALIDATION)):
                self._console.print(f"Cross-validation, {line}")
        for what, name in PAGES.items():
            if name in pipeline.all_outputs():
                file = catalog[name]._describe()["filepath"]
                self._tell(what, file if "://" in file else str(_shortest(Path(file))))
        if FOLDER_OF_REPORTS in pipeline.inputs() and (page := catalog.load(FOLDER_OF_REPORTS) / OVERVIEW).is_file():
            self._tell("reports", str(_shortest(page)))
        env = f" --env {run_params['env']}" if run_params["env"] else ""
        self._tell("kedro-viz", f"{kedro_command()} viz run{env}")
        self._tell("MLflow", f"{kedro_command()} mlflow ui{env}")
        minutes, seconds = divmod(round(time.monotonic() - self._start), 60)
        self._tell("time", f"{minutes} min {seconds} s")

    def _tell(self, what: str, where: str) -> None:
        self._console.print(f"  [bold]{what:<10}[/bold] {where}", soft_wrap=True)


def kedro_command() -> str:
    """The command for this environment's `kedro` in the working folder: `.venv/bin/kedro`, or `kedro` if it is on the path."""
    program = Path(sys.argv[0])
    return str(_shortest(program)) if program.name == "kedro" and program.is_relative_to(Path.cwd()) else "kedro"


def _shortest(path: Path) -> Path:
    """The path relative to the working folder if the path is below it, else the path itself."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

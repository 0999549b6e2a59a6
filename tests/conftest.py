"""One thread a process: the suite runs on two cores, and small networks gain nothing from more."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(scope="session")
def new_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Puts an empty database of MLflow's runs into a folder and says its URI; a copy, since MLflow needs a second to make one."""
    import mlflow

    empty = tmp_path_factory.mktemp("runs") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{empty}").search_experiments()
    return lambda folder: f"sqlite:///{shutil.copy(empty, folder / 'mlflow.db')}"


@pytest.fixture
def runs_uri(new_runs: Callable[[Path], str], tmp_path: Path) -> str:
    """The URI of an empty database of runs."""
    return new_runs(tmp_path)


@pytest.fixture
def unshare(tmp_path):
    """The beginning of a command that may mount disks of its own, where the system lets processes do that."""
    command = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the system lets no process of a user mount a disk")
    return command


@pytest.fixture
def chromium() -> Iterator["Browser"]:
    """The machine's own Chromium or Chrome, without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()

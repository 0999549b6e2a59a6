"""A run killed with -9 continues where it stopped, leaves no process behind and ends with the same files."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import SOURCE, TINY

pytestmark = pytest.mark.slow


def options(params, prefix=""):
    """Nested parameters as `--params` takes them."""
    for key, value in params.items():
        if isinstance(value, dict):
            yield from options(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={value}"


def start(project, pipeline):
    """`kedro run` in a session of its own."""
    shutil.copy(SOURCE / "pyproject.toml", project.root)
    shutil.copytree(SOURCE / "src", project.root / "src", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    kedro = Path(sys.executable).with_name("kedro")
    command = [kedro, "run", "--env", "demo", "--pipelines", pipeline, "--params", ",".join(options(TINY))]
    environment = os.environ | {"PYTHONPATH": str(project.root / "src")}
    return subprocess.Popen(command, cwd=project.root, env=environment, start_new_session=True)


def processes(session):
    """Process ids of a session, zombies aside."""
    found = subprocess.run(["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, sid, state in map(str.split, found.splitlines()) if int(sid) == session and "Z" not in state]


def kill_when(running, condition):
    """Kill the run as soon as the condition holds; its workers have to follow by themselves."""
    while not condition():
        assert running.poll() is None, "the run ended before it could be interrupted"
        time.sleep(0.005)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    while processes(running.pid):
        time.sleep(0.2)


@pytest.fixture
def interrupted(finished, tmp_path, new_project):
    """A project with everything up to augmentation, with two worker processes."""
    project = new_project(tmp_path)
    project.set_globals(n_jobs=2)
    for layer in ("01_raw", "02_intermediate", "03_primary"):
        shutil.copytree(finished.data / layer, project.data / layer)
    return project


def test_augmentation(finished, interrupted):
    store = interrupted.data / "05_model_input" / "augmented"
    kill_when(start(interrupted, "augmentation"), lambda: store.is_dir() and len(list(store.glob("*.png"))) >= 10)
    done = {path.name: path.stat().st_mtime_ns for path in store.glob("*.png")}
    whole = finished.data / "05_model_input" / "augmented"
    assert len(done) < len(list(whole.glob("*.png"))), "no worker has gone on to the end"
    assert not (interrupted.data / "05_model_input" / "augmented_images.parquet").exists(), "the manifest comes last"

    interrupted.run("augmentation")

    images = sorted(path.name for path in store.glob("*.png"))
    assert images == sorted(path.name for path in whole.glob("*.png"))
    assert all((store / name).read_bytes() == (whole / name).read_bytes() for name in images)
    assert sum((store / name).stat().st_mtime_ns == written for name, written in done.items()) >= len(done) // 2, "work is kept"
    for table in ("augmented_images", "augmented_landmarks", "augmented_cache_index"):
        name = f"05_model_input/{table}.parquet"
        assert (interrupted.data / name).read_bytes() == (finished.data / name).read_bytes()


def test_training(finished, interrupted):
    shutil.copytree(finished.data / "05_model_input", interrupted.data / "05_model_input")
    folder = interrupted.data / "06_models" / "stage1"
    kill_when(start(interrupted, "stage1"), (folder / "last.ckpt").is_file)
    assert not (folder / "best.ckpt").exists()

    interrupted.run("stage1")

    name = "07_model_output/stage1_predictions/stage1_predictions.parquet"
    assert (interrupted.data / name).read_bytes() == (finished.data / name).read_bytes()
    assert sorted(path.name for path in folder.glob("*.ckpt")) == ["best.ckpt"]


def test_kills_at_random_moments_change_nothing(tmp_path):
    script = SOURCE / "benchmarks" / "kill_trials.py"
    command = [sys.executable, script, "--kills", "3", "--into", tmp_path / "kills"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 projects wrong" in done.stdout

"""One database of runs for the project, made by one run at a time; what is wrong with a store is said in one message."""

import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from ceph_pipeline.training import tracking_store
from ceph_pipeline.training.tracking_store import TrackingError, explanation, opened, uri_from_root

FIRST_RUN = """
import sys, mlflow
from types import SimpleNamespace
from ceph_pipeline.hooks import TrackingStoreHook
project = sys.argv[1]
loader = {"mlflow": {"server": {"mlflow_tracking_uri": "sqlite:///mlflow.db"}, "tracking": {"experiment": {"name": "here"}}}}
print("ready", flush=True)
sys.stdin.readline()
from pathlib import Path
TrackingStoreHook().after_context_created(
    SimpleNamespace(project_path=Path(project), config_loader=loader, _get_config_credentials=dict)
)
with mlflow.start_run():
    mlflow.log_metric("mre_mm", 1.0)
"""


def first_run(project, folder):
    """A process that is about to open the store of a project, started from some folder of it."""
    command = [sys.executable, "-c", FIRST_RUN, str(project)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.slow
def test_two_first_runs_at_once_share_one_database_at_the_root(tmp_path):
    below = tmp_path / "notebooks"
    below.mkdir()
    runs = [first_run(tmp_path, folder) for folder in (tmp_path, below)]
    for run in runs:
        assert "ready\n" in iter(run.stdout.readline, "")
    for run in runs:
        run.stdin.write("go\n")
        run.stdin.flush()
    for run in runs:
        _, errors = run.communicate()
        assert run.returncode == 0, errors

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.db")] == ["mlflow.db"]
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'").fetchone() == (2,)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:///mlflow.db", "sqlite:////home/ann/ceph/mlflow.db"),
        ("sqlite:///runs/mlflow.db?timeout=60", "sqlite:////home/ann/ceph/runs/mlflow.db?timeout=60"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("sqlite:///~/mlflow.db", f"sqlite:///{Path.home()}/mlflow.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("https://runs.example.org", "https://runs.example.org"),
        ("postgresql://db/runs", "postgresql://db/runs"),
    ],
)
def test_a_database_lies_at_the_projects_root_and_others_where_they_are(uri, expected):
    assert uri_from_root(uri, Path("/home/ann/ceph")) == expected


class TestServer:
    def test_one_that_refuses_is_named_without_its_password(self):
        uri = "http://ann:hunter2@127.0.0.1:1"
        with (
            pytest.raises(TrackingError, match=r"http://127\.0\.0\.1:1: MLflow's server is not reachable") as caught,
            opened(uri),
        ):
            mlflow.MlflowClient(uri).get_experiment_by_name("here")
        assert "hunter2" not in str(caught.value)
        assert "conf/local/mlflow.yml" in str(caught.value)

    def test_one_that_is_silent_gets_one_attempt(self, monkeypatch):
        """A port that takes connections and never answers; a second in line would be a second attempt."""
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(TrackingError, match="is not reachable"), opened(uri):
                mlflow.MlflowClient(uri).get_experiment_by_name("here")
            silent.settimeout(0.2)
            silent.accept()[0].close()
            with pytest.raises(TimeoutError):
                silent.accept()

    def test_during_a_run_mlflow_is_patient(self, monkeypatch):
        monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
        with opened("http://127.0.0.1:1"):
            assert mlflow.environment_variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() == 0
        assert mlflow.environment_variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() == 7


class TestDatabase:
    def test_one_that_is_locked_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tracking_store, "BUSY_S", 0.1)
        file = tmp_path / "mlflow.db"
        with sqlite3.connect(file, isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(TrackingError, match=r"mlflow\.db: locked by another program"), opened(f"sqlite:///{file}"):
                pass

    @pytest.mark.parametrize("damage", [b"no database at all, but text" * 40, b"SQLite format 3\x00" + bytes(4080)])
    def test_one_that_is_damaged_is_named_with_the_way_out(self, tmp_path, damage):
        file = tmp_path / "mlflow.db"
        file.write_bytes(damage)
        with (
            pytest.raises(TrackingError, match=r"mlflow\.db: damaged, or not a database .* move the file away"),
            opened(f"sqlite:///{file}"),
        ):
            pass
        assert file.read_bytes() == damage

    def test_a_place_where_none_can_be_is_named(self, tmp_path):
        (tmp_path / "mlflow.db").mkdir()
        with pytest.raises(TrackingError, match="cannot be written"), opened(f"sqlite:///{tmp_path}/mlflow.db"):
            pass
        (tmp_path / "file").write_text("")
        with pytest.raises(TrackingError, match="conf/local"), opened(f"sqlite:///{tmp_path}/file/mlflow.db"):
            pass

    def test_what_happens_to_it_during_a_run_is_explained(self, tmp_path):
        file = tmp_path / "runs.db"
        mlflow.set_tracking_uri(f"sqlite:///{file}")
        try:
            mlflow.set_experiment("here")
            file.write_bytes(b"overwritten" * 1000)
            with pytest.raises(mlflow.MlflowException) as caught:
                mlflow.MlflowClient().search_experiments()
        finally:
            mlflow.set_tracking_uri(None)
        assert "runs.db: damaged" in explanation(caught.value, f"sqlite:///{file}")

    def test_a_bug_is_no_matter_of_the_store(self):
        assert explanation(KeyError("x"), "sqlite:///mlflow.db") is None

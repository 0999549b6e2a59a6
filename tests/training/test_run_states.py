"""A run whose process is gone is not RUNNING, and one that was told to stop is not FINISHED."""

import os
import platform
import subprocess
import time

import mlflow
import psutil
import pytest

from ceph_pipeline.training import run_states


@pytest.fixture
def store(runs_uri):
    mlflow.set_tracking_uri(runs_uri)
    mlflow.set_experiment("here")
    yield runs_uri
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


def statuses():
    runs = mlflow.MlflowClient().search_runs([mlflow.get_experiment_by_name("here").experiment_id])
    return {run.info.run_id: run.info.status for run in runs}


def test_what_a_killed_process_left_running_is_closed_by_the_next_run(store):
    client, experiment = mlflow.MlflowClient(), mlflow.get_experiment_by_name("here").experiment_id
    with subprocess.Popen(["sleep", "600"]) as process:
        noted = f"{platform.node()} {process.pid} {psutil.Process(process.pid).create_time():.2f}"
        left = client.create_run(experiment, tags={run_states.PROCESS_TAG: noted}).info.run_id
        assert run_states.close_orphans(experiment) == 0, "its process lives"
        process.kill()
    with mlflow.start_run() as run:
        run_states.mark_active_run()
        assert statuses() == {run.info.run_id: "RUNNING", left: "KILLED"}
    assert client.get_run(run.info.run_id).data.tags[run_states.PROCESS_TAG] == run_states.this_process()


def test_its_nested_trainings_are_closed_too_and_others_are_left_alone(store):
    gone = f"{platform.node()} {os.getpid()} {time.time() - 1e6:.2f}"
    elsewhere = f"another-host {os.getpid()} 1.00"
    client, experiment = mlflow.MlflowClient(), mlflow.get_experiment_by_name("here").experiment_id
    parent = client.create_run(experiment, tags={run_states.PROCESS_TAG: gone})
    child = client.create_run(experiment, tags={run_states.PARENT_TAG: parent.info.run_id})
    others = [client.create_run(experiment, tags=tags) for tags in ({run_states.PROCESS_TAG: elsewhere}, {})]
    mine = client.create_run(experiment, tags={run_states.PROCESS_TAG: run_states.this_process()})

    assert run_states.close_orphans(experiment) == 2

    found = statuses()
    assert {found[run.info.run_id] for run in (parent, child)} == {"KILLED"}
    assert {found[run.info.run_id] for run in (*others, mine)} == {"RUNNING"}


def test_a_process_that_may_not_be_looked_at_is_taken_for_alive(store, monkeypatch):
    noted = f"{platform.node()} 1 1.00"
    client, experiment = mlflow.MlflowClient(), mlflow.get_experiment_by_name("here").experiment_id
    client.create_run(experiment, tags={run_states.PROCESS_TAG: noted})
    monkeypatch.setattr(run_states.psutil, "Process", lambda pid: (_ for _ in ()).throw(psutil.AccessDenied(pid)))
    assert run_states.close_orphans(experiment) == 0


def test_a_run_told_to_stop_is_killed_with_its_nested_ones(store):
    mlflow.start_run()
    mlflow.start_run(nested=True)
    run_states.end_as_killed()
    assert list(statuses().values()) == ["KILLED", "KILLED"]


def test_without_a_run_nothing_is_noted(store):
    run_states.mark_active_run()
    assert statuses() == {}

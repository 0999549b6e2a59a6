"""What becomes of MLflow runs that an interruption left open."""

import json

import mlflow
import pandas as pd
import pytest

from ceph_pipeline.training.params import Stage1Params
from ceph_pipeline.training.tracking import child_run, log_images


@pytest.fixture
def client(runs_uri):
    mlflow.set_tracking_uri(runs_uri)
    mlflow.set_experiment("tracking")
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)


@pytest.fixture
def killed(client, tmp_path):
    """A parent and its training, both left RUNNING, and the folder whose record names the training."""
    experiment = client.get_experiment_by_name("tracking").experiment_id
    parent = client.create_run(experiment).info.run_id
    child = client.create_run(experiment, tags={"mlflow.parentRunId": parent}).info.run_id
    (tmp_path / "mlflow_run.json").write_text(json.dumps({"run_id": child}))
    return parent, child


def status(client, run_id):
    return client.get_run(run_id).info.status


def test_a_resumed_training_reopens_its_run_under_the_new_parent(client, killed, tmp_path):
    old_parent, child = killed
    with mlflow.start_run() as parent, child_run("stage1", tmp_path, Stage1Params(), resume=True) as logger:
        assert logger.run_id == child
    assert status(client, old_parent) == "KILLED"
    assert status(client, child) == "FINISHED"
    assert client.get_run(child).data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_training_that_starts_anew_closes_the_run_nobody_continues(client, killed, tmp_path):
    old_parent, child = killed
    with mlflow.start_run(), child_run("stage1", tmp_path, Stage1Params(), resume=False) as logger:
        assert logger.run_id != child
    assert (status(client, old_parent), status(client, child)) == ("KILLED", "KILLED")
    assert json.loads((tmp_path / "mlflow_run.json").read_text())["run_id"] == logger.run_id


@pytest.mark.parametrize("record", [json.dumps({"run_id": "0" * 32}).encode(), b"", b"[1]", b"\xff", b"[" * 100_000])
def test_a_record_of_another_store_or_a_damaged_one_is_passed_over(client, tmp_path, record):
    (tmp_path / "mlflow_run.json").write_bytes(record)
    with mlflow.start_run(), child_run("stage1", tmp_path, Stage1Params(), resume=True) as logger:
        assert client.get_run(logger.run_id).data.params["stage1.net.stride"] == "4"


def test_a_training_whose_earlier_parent_is_gone_resumes(client, killed, tmp_path):
    client.set_tag(killed[1], "mlflow.parentRunId", "0" * 32)
    with mlflow.start_run(), child_run("stage1", tmp_path, Stage1Params(), resume=True) as logger:
        assert logger.run_id == killed[1]


def test_a_training_whose_run_was_deleted_resumes_in_a_new_one(client, killed, tmp_path):
    old_parent, deleted = killed
    client.delete_run(deleted)
    with mlflow.start_run() as parent, child_run("stage1", tmp_path, Stage1Params(), resume=True) as logger:
        assert logger.run_id != deleted
    run = client.get_run(logger.run_id)
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.params["stage1.net.stride"] == "4", "a new run has its parameters"
    assert status(client, old_parent) == "KILLED"
    assert client.get_run(deleted).info.lifecycle_stage == "deleted"
    assert json.loads((tmp_path / "mlflow_run.json").read_text())["run_id"] == logger.run_id


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_training_that_is_told_to_stop_is_killed_and_not_failed(client, tmp_path, stop):
    with mlflow.start_run(), pytest.raises(stop), child_run("stage1", tmp_path, Stage1Params(), resume=False) as logger:
        raise stop
    assert status(client, logger.run_id) == "KILLED"


def test_a_training_that_is_told_to_stop_while_its_parameters_are_logged_is_killed_too(client, tmp_path, monkeypatch):
    def told_to_stop(_):
        raise SystemExit(143)

    monkeypatch.setattr(mlflow, "log_params", told_to_stop)
    with mlflow.start_run(), pytest.raises(SystemExit), child_run("stage1", tmp_path, Stage1Params(), resume=False):
        pass
    assert status(client, json.loads((tmp_path / "mlflow_run.json").read_text())["run_id"]) == "KILLED"


def test_without_an_active_run_there_is_no_logger(tmp_path):
    with child_run("stage1", tmp_path, Stage1Params(), resume=False) as logger:
        assert logger is None


def test_images_are_recorded_by_split_with_their_data_sets_and_nothing_of_the_user(client):
    images = pd.DataFrame({
        "image_id": ["a", "b", "c"], "split": ["train", "test", "test"], "machine": "M", "dataset": ["coco", "isbi2015", "aariz"],
    })  # fmt: skip
    with mlflow.start_run() as run:
        log_images(images, "train", "valid", "test")
    inputs = {given.tags[0].value: given.dataset for given in client.get_run(run.info.run_id).inputs.dataset_inputs}
    assert {context: json.loads(dataset.profile)["num_rows"] for context, dataset in inputs.items()} == {
        "training": 1,
        "testing": 2,
    }
    assert {context: json.loads(dataset.source)["tags"] for context, dataset in inputs.items()} == {
        "training": {"mlflow.source.name": "kedro", "dataset": "coco"},
        "testing": {"mlflow.source.name": "kedro", "dataset": "aariz, isbi2015"},
    }

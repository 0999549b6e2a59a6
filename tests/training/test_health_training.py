"""Real trainings, tiny: what the health report leaves behind, and when it ends a training."""

import json
import logging

import mlflow
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.training import TrainingError, run
from ceph_pipeline.training.health.callback import HealthWatch
from ceph_pipeline.training.health.record import TrainingRecord
from ceph_pipeline.training.health.report import publish
from ceph_pipeline.training.health.verdict import HealthTable
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.params import HealthParams, LoopParams, LossParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables

PIXELS = pd.DataFrame({"image_id": ["spot_00"], "digest": ["as drawn"]})


def params(epochs, rate=3e-3, kind="combined", devices=1, **health):
    return Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64),
        loss=LossParams(kind=kind, sigma_px=1.0, cvm_weight=0.0, wing_ramp_epochs=0),
        optim=OptimParams(epochs=epochs, batch_size=4, learning_rate=rate, warmup_epochs=0, precision="float32"),
        loop=LoopParams(seed=1, workers=0, devices=devices),
        health=HealthParams(**health),
    )


def train(spots, folder, params):
    tables = Stage1Tables(spots.images, spots.landmarks, spots.cvm, PIXELS)
    return run.train(Stage1Job(tables, spots.cache, params), folder)


def record_in(folder):
    return TrainingRecord.model_validate(json.loads((folder / "health.json").read_text())["record"])


@pytest.fixture
def tracking(tmp_path, runs_uri):
    mlflow.set_tracking_uri(runs_uri)
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("health", artifact_location=str(tmp_path / "artifacts")))
    with mlflow.start_run() as run:
        yield run
    mlflow.set_tracking_uri(None)


@pytest.mark.parametrize(("accumulated", "steps"), [(1, 3), (2, 2), (4, 1)])
def test_the_last_batches_of_an_epoch_are_a_step_too(toy, tmp_path, accumulated, steps):
    """Three batches of four images."""
    toy(optim={"accumulate_batches": accumulated, "epochs": 1, "warmup_epochs": 0})
    assert [epoch.steps for epoch in record_in(tmp_path / "toy").epochs] == [steps]


def test_a_training_leaves_its_report_beside_the_checkpoint_and_in_mlflow(spots, tmp_path, tracking):
    folder = tmp_path / "stage1"
    train(spots, folder, params(epochs=2))
    HealthTable.validate(pd.read_parquet(folder / "health.parquet"))
    assert (folder / "health.png").stat().st_size > 10_000
    client = mlflow.MlflowClient()
    (child,) = client.search_runs([tracking.info.experiment_id], f"tags.`mlflow.parentRunId` = '{tracking.info.run_id}'")
    files = {entry.path for entry in client.list_artifacts(child.info.run_id, "health")}
    assert "health/health.png" in files
    assert child.data.tags["health"] == "nothing found"


def test_no_identifier_of_an_image_reaches_the_report_or_mlflow(spots, tmp_path, tracking):
    """Names of films may be names of patients."""
    folder = tmp_path / "stage1"
    train(spots, folder, params(epochs=1))
    client = mlflow.MlflowClient()
    (child,) = client.search_runs([tracking.info.experiment_id], f"tags.`mlflow.parentRunId` = '{tracking.info.run_id}'")
    client.download_artifacts(child.info.run_id, "health", str(tmp_path))
    logged = [path.read_bytes() for path in (tmp_path / "health").iterdir()]
    written = [path.read_bytes() for path in folder.glob("health.*")]
    assert len(written) == 3
    assert not any(b"spot_" in content for content in [*logged, *written])
    assert not any("spot_" in name for name in child.data.metrics)


def test_the_record_agrees_with_what_the_module_logs(spots, tmp_path):
    train(spots, tmp_path, params(epochs=1))
    (epoch,) = record_in(tmp_path).epochs
    assert np.mean(epoch.validation.error_mm) == pytest.approx(epoch.curves["val/mre_mm"], rel=1e-5)
    assert np.mean(epoch.validation.error_px) == pytest.approx(epoch.curves["val/mre_px"], rel=1e-5)
    assert epoch.steps == 2
    assert all(0 < size < 1 for size in epoch.step_size.values())
    x, y = epoch.validation.target_centre[0]
    assert 0 < x < 64
    assert 0 < y < 64


def test_a_resumed_training_reports_on_all_of_its_epochs(spots, tmp_path, monkeypatch):
    def power_cut(self, trainer):
        raise ConnectionError("power cut")

    with monkeypatch.context() as patch:
        original = HealthWatch.on_train_epoch_end

        def once(self, trainer, pl_module):
            original(self, trainer, pl_module)
            if trainer.current_epoch == 1:
                power_cut(self, trainer)

        patch.setattr(HealthWatch, "on_train_epoch_end", once)
        with pytest.raises(ConnectionError):
            train(spots, tmp_path, params(epochs=3))
    assert not (tmp_path / "health.json").exists()
    train(spots, tmp_path, params(epochs=3))
    record = record_in(tmp_path)
    assert [entry.epoch for entry in record.epochs] == [1, 2, 3]


def test_a_hopeless_training_is_stopped_where_that_is_wanted(spots, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        train(spots, tmp_path, params(epochs=15, rate=1e-8, stop_hopeless=True))
    assert len(record_in(tmp_path).epochs) == 7  # judged from the fifth on, three times in a row
    assert "stage1: training stopped as hopeless: in 14 steps the weights moved by at most" in caplog.text
    assert "stage1 health, epoch 5: " in caplog.text
    findings = pd.read_parquet(tmp_path / "health.parquet").set_index("check")
    assert findings.loc["stuck", "setting"] == "stage1.optim.learning_rate"
    assert findings.loc["stuck", "epoch"] == 5


def test_a_training_that_ends_in_nan_leaves_a_report(spots, tmp_path, monkeypatch):
    whole = LandmarkModule.loss

    def broken(self, *arguments, **settings):
        total, terms = whole(self, *arguments, **settings)
        return (total * float("nan") if self.current_epoch == 1 and self.training else total), terms

    monkeypatch.setattr(LandmarkModule, "loss", broken)
    with pytest.raises(TrainingError):
        train(spots, tmp_path, params(epochs=4))
    findings = pd.read_parquet(tmp_path / "health.parquet")
    assert findings["check"].tolist() == ["not_finite"]
    assert findings["epoch"].tolist() == [2]


def test_a_report_is_made_again_from_its_record_alone(spots, tmp_path):
    train(spots, tmp_path, params(epochs=1))
    first = {name: (tmp_path / name).read_bytes() for name in ("health.json", "health.png")}
    publish(record_in(tmp_path), tmp_path, None)
    assert {name: (tmp_path / name).read_bytes() for name in first} == first


@pytest.mark.slow
def test_two_processes_report_on_all_validation_images(spots, tmp_path):
    train(spots, tmp_path, params(epochs=2, devices=2))
    for epoch in record_in(tmp_path).epochs:
        assert np.mean(epoch.validation.error_mm) == pytest.approx(epoch.curves["val/mre_mm"], rel=1e-5)

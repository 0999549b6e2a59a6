"""Two gloo ranks on the CPU train what one process trains."""

import importlib
import logging
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
import pytest
import torch
from mlflow.entities import Run
from torch import nn

from ceph_pipeline.detector.checkpoint import load_checkpoint
from ceph_pipeline.training import run
from ceph_pipeline.training.distributed import launch
from ceph_pipeline.training.params import LoopParams, LossParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables

HERE = Path(__file__).parent
CURVES = ("val/mre_px", "val/mre_mm", "val/sdr_2mm", "train/loss")


class Outcome(NamedTuple):
    """What a training left behind: its checkpoint, its MLflow runs, its log lines in the process that started it."""

    checkpoint: Path
    parent: Run
    children: list[Run]
    curves: dict[str, list[float]]
    lines: list[str]


def tables(spots):
    """Seven training and five validation images, of which two training images show one landmark only."""
    images = spots.images.copy()
    images.loc[images["image_id"] == "spot_07", ["split", "subset"]] = "valid"
    landmarks = spots.landmarks.copy()
    hidden = landmarks["image_id"].isin(["spot_01", "spot_02"]) & (landmarks["landmark"] != spots.names[0])
    landmarks.loc[hidden, ["x", "y"]] = np.nan
    pixels = images[["image_id"]].assign(digest="as drawn")
    return Stage1Tables(images, landmarks, spots.cvm, pixels)


def params(batch_size, **loop):
    return Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64),
        loss=LossParams(kind="combined", sigma_px=1.0, cvm_weight=0.1, wing_ramp_epochs=1),
        optim=OptimParams(
            epochs=4, batch_size=batch_size, learning_rate=1e-3, warmup_epochs=0, ema_decay=0.9, precision="float32"
        ),
        loop=LoopParams(seed=1, workers=0, **loop),
    )


def tracked(spots, folder, chosen):
    """Train below an MLflow run."""
    lines = []
    listener = logging.Handler(logging.INFO)
    listener.emit = lambda record: lines.append(record.getMessage())
    log = logging.getLogger("ceph_pipeline")
    level = log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        with mlflow.start_run() as parent:
            checkpoint = run.train(Stage1Job(tables(spots), spots.cache, chosen), folder)
    finally:
        log.removeHandler(listener)
        log.setLevel(level)
    client = mlflow.MlflowClient()
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    curves = {name: [point.value for point in client.get_metric_history(children[0].info.run_id, name)] for name in CURVES}
    return Outcome(checkpoint, parent, list(children), curves, lines)


@pytest.fixture(scope="module")
def outcomes(spots, tmp_path_factory, new_runs):
    """The same training in one process with batches of four, and on two ranks with batches of two."""
    mlflow.set_tracking_uri(new_runs(tmp_path_factory.mktemp("tracking")))
    mlflow.set_experiment("ranks")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        patch.setattr(nn.BatchNorm2d, "train", importlib.import_module("frozen_norms").keep_still)
        patch.setattr(launch, "WORKER", "frozen_norms")
        patch.setenv("PYTHONPATH", str(HERE), prepend=":")
        one = tracked(spots, tmp_path_factory.mktemp("one"), params(4))
        two = tracked(spots, tmp_path_factory.mktemp("two"), params(2, devices=2))
    mlflow.set_tracking_uri(None)
    return one, two


def test_two_ranks_end_with_the_weights_of_one_process(outcomes):
    one, two = (load_checkpoint(outcome.checkpoint).net.state_dict() for outcome in outcomes)
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CURVES)
def test_each_image_counts_once_in_each_curve(outcomes, name):
    one, two = (outcome.curves[name] for outcome in outcomes)
    assert len(two) == 4
    assert two == pytest.approx(one, rel=1e-4)


def test_there_is_one_run_below_one_parent_whatever_the_number_of_ranks(outcomes):
    for outcome in outcomes:
        (child,) = outcome.children
        assert child.info.status == "FINISHED"
        assert child.data.params["stage1.loop.devices"] in ("1", "2")


def test_the_lines_of_rank_0_are_logged_where_the_training_was_started(outcomes):
    _, two = outcomes
    epochs = [line for line in two.lines if line.startswith("stage1 epoch ")]
    assert [line.split(":")[0] for line in epochs] == [f"stage1 epoch {epoch}/4" for epoch in (1, 2, 3, 4)]
    assert "stage1: 2 processes, an effective batch of 4" in two.lines


def test_the_ranks_leave_nothing_but_the_checkpoint(outcomes):
    folder = outcomes[1].checkpoint.parent
    assert not (folder / "ranks").exists()
    assert [path.name for path in folder.glob("*.ckpt")] == ["best.ckpt"]

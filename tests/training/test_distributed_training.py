"""Two gloo ranks on the CPU train what one process trains."""

import importlib
import logging
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from torch import nn

from ceph_pipeline.training.checkpoint import load_checkpoint
from ceph_pipeline.training.distributed import launch
from ceph_pipeline.training.params import LoopParams, LossParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.stage1 import Stage1Tables, train_whole_image_net

HERE = Path(__file__).parent


def tables(spots):
    """Seven training and five validation images, of which two training images have one landmark only."""
    images = spots.images.copy()
    images.loc[images["image_id"] == "spot_07", ["split", "subset"]] = "valid"
    landmarks = spots.landmarks.copy()
    hidden = landmarks["image_id"].isin(["spot_01", "spot_02"]) & (landmarks["landmark"] != spots.names[0])
    landmarks.loc[hidden, ["x", "y"]] = np.nan
    pixels = images[["image_id"]].assign(digest="as drawn")
    return Stage1Tables(images, landmarks, spots.cvm, spots.measurements, pixels)


def params(batch_size, epochs=4, **loop):
    return Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64),
        loss=LossParams(kind="combined", sigma_px=1.0, cvm_weight=0.1, wing_ramp_epochs=1),
        optim=OptimParams(
            epochs=epochs, batch_size=batch_size, learning_rate=1e-3, warmup_epochs=0, ema_decay=0.9, precision="float32"
        ),
        loop=LoopParams(seed=1, workers=0, **loop),
    )


def weights(path):
    return load_checkpoint(path).net.state_dict()


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db")
    mlflow.set_experiment("ranks")
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)


def children(client, parent):
    return client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")


@pytest.fixture(scope="module")
def both(spots, tmp_path_factory, tracking):
    """The same training in one process with batches of four, and on two ranks with batches of two."""
    outcome = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        patch.setattr(nn.BatchNorm2d, "train", importlib.import_module("frozen_norms").keep_still)
        patch.setattr(launch, "WORKER", "frozen_norms")
        patch.setenv("PYTHONPATH", str(HERE), prepend=":")
        for name, chosen in {"one": params(4), "two": params(2, devices=2)}.items():
            with mlflow.start_run() as parent:
                path = train_whole_image_net(tables(spots), spots.cache, tmp_path_factory.mktemp(name), chosen)
            outcome[name] = path, parent
    return outcome


def test_two_ranks_end_with_the_weights_of_one_process(both):
    one, two = (weights(both[name][0]) for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-5)


def test_each_validation_image_counts_once(both, tracking):
    curves = {}
    for name, (_, parent) in both.items():
        (child,) = children(tracking, parent)
        for metric in ("val/mre_px", "val/mre_mm", "val/sdr_2mm", "train/loss"):
            curves[name, metric] = [point.value for point in tracking.get_metric_history(child.info.run_id, metric)]
    for metric in ("val/mre_px", "val/mre_mm", "val/sdr_2mm", "train/loss"):
        assert len(curves["two", metric]) == 4
        assert curves["two", metric] == pytest.approx(curves["one", metric], rel=1e-4)


def test_the_ranks_leave_nothing_but_the_checkpoint(both):
    folder = both["two"][0].parent
    assert not (folder / "ranks").exists()
    assert [path.name for path in folder.glob("*.ckpt")] == ["best.ckpt"]

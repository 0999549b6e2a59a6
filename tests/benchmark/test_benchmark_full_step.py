"""The full training step: a real training, timed at its loader's tap."""

import numpy as np
import pytest
import torch

from ceph_pipeline.benchmark import BenchmarkParams, FullStepCase
from ceph_pipeline.benchmark.full_step import ClockedLoader, measure_full_step, trained_as
from ceph_pipeline.benchmark.synthetic import draw_data
from ceph_pipeline.training.params import OptimParams, Stage1Params

CASE = FullStepCase(backbone="resnet18", width_px=64, height_px=64, batch_size=2, workers=0, cache_long_side_px=96)
PARAMS = BenchmarkParams(num_iterations=4, num_warmup=1, device="cpu", n_landmarks=3)


def test_a_real_training_is_compared_with_a_bare_loop():
    row = measure_full_step(CASE, PARAMS, Stage1Params())
    assert row["of_bare"] == pytest.approx(row["images_per_s"] / row["bare_images_per_s"])
    assert 0 < row["waiting_share"] < 1
    assert row["backbone"] == "resnet18"
    assert row["steps"] == 4
    assert row["device"] == ("cuda" if torch.cuda.is_available() else "cpu"), "where Lightning trains, whatever the others use"


def test_what_the_case_does_not_say_comes_from_stage_1():
    stage1 = Stage1Params(optim=OptimParams(epochs=200, learning_rate=3e-4, accumulate_batches=4, ema_decay=0.9999))
    settings = trained_as(CASE, stage1)
    assert (settings.net.backbone, settings.net.input_width_px, settings.optim.batch_size) == ("resnet18", 64, 2)
    assert (settings.optim.learning_rate, settings.optim.ema_decay) == (3e-4, 0.9999)
    assert (settings.optim.epochs, settings.optim.accumulate_batches, settings.net.pretrained) == (1, 1, False)


def test_one_epoch_trains_the_whole_network_on_every_drawn_image():
    stage1 = Stage1Params(optim=OptimParams(unfreeze_after_epochs=3), images_per_epoch=2)
    settings = trained_as(CASE, stage1)
    assert (settings.optim.unfreeze_after_epochs, settings.images_per_epoch) == (0, None)


def test_weights_are_averaged_also_where_stage_1_does_not():
    assert trained_as(CASE, Stage1Params()).optim.ema_decay == 0.999


def test_clock_counts_from_request_to_request_and_the_wait_within(monkeypatch):
    loader = ClockedLoader(torch.utils.data.DataLoader(list(range(5))), torch.device("cpu"), warmup=1)
    loader.requested_s = [0.0, 7.0, 8.0, 10.0, 13.0, 99.0]  # the first step warms up, the last ends the epoch
    loader.given_s = [6.0, 7.2, 8.1, 10.3, 13.5]
    assert loader.seconds_a_step() == pytest.approx((13 - 7) / 3)
    assert loader.waiting_share() == pytest.approx((0.2 + 0.1 + 0.3) / 3 / 2)


def test_drawn_images_are_read_back_with_their_points_inside(tmp_path):
    tables, store = draw_data(tmp_path, n_train=3, n_landmarks=4, long_side_px=100)
    assert tables.images["split"].value_counts().to_dict() == {"train": 3, "valid": 2}
    image = store.read(tables.images["image_id"].iloc[0])
    assert image.shape == (100, 81)
    assert np.std(image) > 20
    assert tables.landmarks[["x", "y"]].to_numpy().min() > 0
    assert len(tables.landmarks) == 5 * 4

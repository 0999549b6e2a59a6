"""The learning rate where the loss falls fastest is found once and kept."""

import json
import logging
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import MLFlowLogger
from pydantic import ValidationError

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.finder import RATES, STEPS, RateRamp, steepest_rate
from ceph_pipeline.training.health import callback
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.optim import parameter_groups, schedule
from ceph_pipeline.training.params import LoopParams, OptimParams


def test_the_steepest_descent_over_the_logarithm_is_the_rate():
    """A loss that falls as a logistic curve of log10(rate) falls fastest at its middle, 1e-3."""
    rates = np.logspace(-6, -1, 101)
    losses = 1 - 1 / (1 + np.exp(-4 * (np.log10(rates) + 3)))
    assert steepest_rate(rates, losses) == pytest.approx(1e-3, rel=0.15)


def noisy_search(seed: int, noise: float) -> float | None:
    """The rate found where each batch's loss scatters about a logistic curve from 1 to 0.5, steepest at 1e-3."""
    rates = np.geomspace(*RATES, STEPS)
    losses = 1 - 0.5 / (1 + np.exp(-4 * (np.log10(rates) + 3)))
    ramp, trainer = RateRamp(), SimpleNamespace(accumulate_grad_batches=1, should_stop=False)
    for rate, loss in zip(rates, losses * (1 + noise * np.random.default_rng(seed).standard_normal(STEPS)), strict=True):
        ramp.rates.append(float(rate))
        ramp.on_train_batch_end(trainer, None, {"loss": torch.tensor(loss)}, None, 0)
    return steepest_rate(np.array(ramp.rates), np.array(ramp.losses))


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_the_noise_of_batches_is_not_taken_for_a_descent(noise):
    """The running mean lags behind the loss, so that the rate is a little above 1e-3."""
    found = [noisy_search(seed, noise) for seed in range(40)]
    assert min(found) > 2e-4
    assert max(found) < 1e-2
    assert np.median(found) == pytest.approx(2e-3, rel=0.3)


def test_dropout_in_the_search_does_not_depend_on_what_was_drawn_before(toy, toy_net, tmp_path):
    """The toy network drops a tenth of its features."""
    rates = []
    for seed in (0, 1):
        net = toy_net()
        torch.manual_seed(seed)
        toy(f"seed_{seed}", net=net, loop={"find": "learning_rate"}, optim={"epochs": 1, "warmup_epochs": 0})
        rates.append(json.loads((tmp_path / f"seed_{seed}" / "found.json").read_text())["learning_rate"])
    assert rates[0] == rates[1]


def test_what_comes_after_the_minimum_does_not_count():
    rates = np.logspace(-6, 0, 61)
    losses = np.where(rates < 1e-2, 1 / (1 + 1e4 * rates), 3.0)
    losses[-1] = np.nan
    losses[-5:-1] = [9, 1, 9, 1]
    assert steepest_rate(rates, losses) < 1e-2


def test_a_loss_that_only_rises_has_no_rate():
    assert steepest_rate(np.logspace(-6, 0, 50), np.linspace(1, 2, 50)) is None
    assert steepest_rate(np.array([]), np.array([])) is None


@pytest.mark.parametrize("name", ["cosine", "one_cycle", "plateau"])
def test_the_rate_written_down_is_the_rate_tried_whatever_the_schedule_begins_with(name, toy_net):
    params = OptimParams(schedule=name, learning_rate=1e-3, backbone_rate_factor=0.1)
    optimizer = torch.optim.AdamW(parameter_groups(toy_net(), params))
    schedule(optimizer, params, STEPS)
    ramp = RateRamp()
    ramp.on_before_optimizer_step(SimpleNamespace(global_step=STEPS - 1), None, optimizer)
    assert ramp.rates == pytest.approx([1.0])
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1.0, 1.0, 0.1, 0.1])


def test_a_training_uses_the_rate_it_found_and_logs_it(toy, tmp_path, runs_uri, caplog):
    logger = MLFlowLogger("finder", tracking_uri=runs_uri)
    with caplog.at_level(logging.INFO):
        toy("found", loop={"find": "learning_rate"}, optim={"epochs": 2, "warmup_epochs": 0}, run_logger=logger)
    found = json.loads((tmp_path / "found" / "found.json").read_text())["learning_rate"]
    assert 1e-4 < found < 1
    assert f"learning-rate finder selected {found:.2g}" in caplog.text
    client = mlflow.MlflowClient(runs_uri)
    assert client.get_run(logger.run_id).data.metrics["found/learning_rate"] == pytest.approx(found)
    rates = [point.value for point in client.get_metric_history(logger.run_id, "train/learning_rate")]
    assert 0.0099 * found < min(rates) < found


def test_health_suggests_a_multiple_of_the_rate_that_was_found(toy, monkeypatch):
    settings = []
    monkeypatch.setattr(callback, "publish", lambda record, *_: settings.append(record.settings))
    toy("healthy", loop={"find": "learning_rate"}, optim={"learning_rate": 0.9})
    toy("configured", optim={"learning_rate": 0.005})
    found, configured = (seen["optim.learning_rate"] for seen in settings)
    assert 1e-4 < found < 0.9
    assert configured == 0.005


def test_a_loss_of_nan_at_a_searched_rate_says_that_a_configured_one_would_not_count(toy, tmp_path):
    (tmp_path / "nan").mkdir()
    (tmp_path / "nan" / "found.json").write_text('{"learning_rate": 1e30}')
    with pytest.raises(TrainingError, match=r"Set stage1\.loop\.find to null and lower stage1\.optim\.learning_rate"):
        toy("nan", loop={"find": "learning_rate"}, optim={"warmup_epochs": 0, "epochs": 20})


def test_the_search_gives_the_weights_back(toy, tmp_path):
    """With the rate written down beforehand nothing is searched for; both trainings start from the same weights."""
    searched = toy("searched", loop={"find": "learning_rate"})
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "found.json").write_text((tmp_path / "searched" / "found.json").read_text())
    known = toy("known", loop={"find": "learning_rate"})
    for name, value in searched.net.state_dict().items():
        assert torch.equal(known.net.state_dict()[name], value)


def test_the_loss_keeps_its_weights_during_the_search_whatever_the_training_ramps(toy, monkeypatch):
    """The test of 100 steps lasts 34 epochs here, in the first 5 of which the training's coordinate term would grow."""
    ramps, loss = [], LandmarkModule.loss

    def note(module, output, batch, ramp):
        if module.training:
            ramps.append((module.optim.learning_rate, ramp))
        return loss(module, output, batch, ramp)

    monkeypatch.setattr(LandmarkModule, "loss", note)
    toy("ramped", loop={"find": "learning_rate"}, optim={"learning_rate": 0.5, "epochs": 7})
    searched = [ramp for rate, ramp in ramps if rate == 0.5]
    assert 20 < len(searched) <= STEPS
    assert set(searched) == {1.0}
    trained = [ramp for rate, ramp in ramps if rate != 0.5]
    assert trained[::3] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1]), "the training itself has its ramp"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file: Invalid JSON"),
        ("[1]", "the file: Input should be an object"),
        ('{"learning_rate": "fast"}', "learning_rate: Input should be a valid number"),
        ('{"learning_rate": -1}', "learning_rate: Input should be greater than 0"),
        ('{"learning_rate": NaN}', "learning_rate: Input should be"),
        ('{"learning_rate": 0.1, "batch_size": 6}', "batch_size: Extra inputs are not permitted"),
    ],
)
def test_a_damaged_record_of_the_search_is_named_with_the_way_out(toy, tmp_path, content, reason):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "found.json").write_text(content)
    with pytest.raises(TrainingError, match=rf"damaged/found\.json: damaged: {reason}.*Delete the file to search again"):
        toy("damaged", loop={"find": "learning_rate"})


def test_a_search_for_the_batch_size_is_refused_with_what_there_is():
    with pytest.raises(ValidationError, match="'learning_rate'"):
        LoopParams(find="batch_size")

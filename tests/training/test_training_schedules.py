"""Rates: what each schedule does, the backbone's own rate, and a backbone that rests."""

import logging
import math

import pytest
import torch

from ceph_pipeline.training.callbacks import EpochLog
from ceph_pipeline.training.optim import PlateauFactor, backbone_of, parameter_groups, schedule
from ceph_pipeline.training.params import OptimParams


def rates(params, steps):
    """The rate of each optimiser step."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=params.learning_rate)
    plan, seen = schedule(optimizer, params, steps), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        plan.step()
    return seen


def test_warm_up_and_cosine_down_to_the_floor():
    """The ruler's preset: from 1e-3 to 1e-6, a thousandth."""
    seen = rates(OptimParams(epochs=10, learning_rate=1e-3, warmup_epochs=2, cosine_floor=1e-3), 100)
    assert seen[0] == pytest.approx(1e-3 / 21)
    assert max(seen) == pytest.approx(1e-3)
    assert seen.index(max(seen)) == 20
    assert seen[60] == pytest.approx(1e-3 * (1 + 1e-3) / 2, rel=1e-3), "halfway down the cosine"
    assert seen[-1] == pytest.approx(1e-6, rel=0.5)


def test_one_cycle_peaks_after_30_percent():
    seen = rates(OptimParams(learning_rate=1e-3, schedule="one_cycle"), 100)
    assert seen.index(max(seen)) == pytest.approx(30, abs=1)
    assert seen[-1] < 1e-5


def test_plateau_waits_lowers_and_waits_anew():
    factor = PlateauFactor(warmup_steps=0, patience=2, factor=0.1)
    assert [factor.observe(error) for error in (5.0, 4.0, 4.0, 4.5, 3.0, 3.1, 3.2)] == [
        False,
        False,
        False,
        True,
        False,
        False,
        True,
    ]
    assert factor(1000) == pytest.approx(0.01)


def test_plateau_begins_with_the_warm_up_and_its_state_is_saved_with_the_schedule():
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    params = OptimParams(epochs=10, warmup_epochs=1, schedule="plateau", plateau_patience=1)
    plan = schedule(optimizer, params, 100)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1 / 11)
    plan.lr_lambdas[0].observe(2.0)
    plan.lr_lambdas[0].observe(3.0)
    again = schedule(torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0), params, 100)
    again.load_state_dict(plan.state_dict())
    assert again.lr_lambdas[0](50) == pytest.approx(params.plateau_factor)


def test_the_backbone_has_its_rate_and_matrices_alone_decay(toy_net):
    net = toy_net()
    groups = parameter_groups(net, OptimParams(learning_rate=0.01, weight_decay=0.5, backbone_rate_factor=0.1))
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [
        (0.01, 0.5),
        (0.01, 0.0),
        (pytest.approx(0.001), 0.5),
        (pytest.approx(0.001), 0.0),
    ]
    assert sum(weight.numel() for group in groups for weight in group["params"]) == sum(w.numel() for w in net.parameters())
    assert [len(group["params"]) for group in groups] == [1, 1, 2, 6]


def test_a_net_without_a_backbone_is_refused():
    net = torch.nn.Module()
    net.backbone = "resnet"
    with pytest.raises(TypeError, match="backbone of Module is a str"):
        backbone_of(net)


def test_the_backbone_rests_with_its_statistics_and_then_learns(toy, toy_net, monkeypatch, caplog):
    net = toy_net()
    before = {name: value.clone() for name, value in net.backbone.state_dict().items()}
    moved = []

    def look(self, trainer, pl_module):
        moved.append(any(not torch.equal(value, before[name]) for name, value in net.backbone.state_dict().items()))

    monkeypatch.setattr(EpochLog, "on_train_epoch_end", look)
    with caplog.at_level(logging.INFO):
        toy("rest", net=net, optim={"unfreeze_after_epochs": 2, "backbone_rate_factor": 0.1})
    assert moved == [False, False, True, True]
    assert "the backbone is trained from epoch 3 on, at 0.1 × the learning rate of the heads" in caplog.text
    assert all(weight.requires_grad for weight in net.parameters())


def test_validation_comes_every_n_epochs_and_its_weights_are_kept_by_pck_or_as_the_last(toy, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(
        "ceph_pipeline.training.callbacks.FiniteNumbers.on_validation_end",
        lambda self, trainer, module: seen.append((trainer.current_epoch + 1, float(trainer.callback_metrics["val/pck"]))),
    )
    toy("pck", optim={"epochs": 6}, loop={"monitor": "pck", "validate_every_epochs": 2, "patience": 50})
    assert [epoch for epoch, _ in seen] == [2, 4, 6]
    best = torch.load(tmp_path / "pck" / "best-epoch.ckpt", weights_only=True)
    assert best["epoch"] + 1 == max(seen, key=lambda pair: (pair[1], -pair[0]))[0]
    toy("last", optim={"epochs": 6}, loop={"monitor": "last", "validate_every_epochs": 2})
    kept = torch.load(tmp_path / "last" / "best-epoch.ckpt", weights_only=True)
    assert kept["epoch"] + 1 == 6, "the last one is kept whatever its error"
    assert math.isclose(max(share for _, share in seen) % 12.5, 0, abs_tol=1e-3), "a share of 4 images with 2 points"

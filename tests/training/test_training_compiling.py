"""Compiling leaves weights and their names alone, and a platform that cannot is said once."""

import logging
import shutil

import pytest
import torch

from ceph_pipeline.training import compiling
from ceph_pipeline.training.compiling import compile_net, why_not


def test_a_platform_that_cannot_compile_trains_uncompiled(toy, toy_net, monkeypatch, caplog):
    def missing(function):
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC environment variable.")

    plain = toy("plain", optim={"epochs": 1})
    monkeypatch.setattr(torch, "compile", missing)
    with caplog.at_level(logging.WARNING):
        same = toy("refused", optim={"epochs": 1, "compile": True})
    assert "torch.compile is not available (Failed to find C compiler.), the network is trained uncompiled" in caplog.text
    assert all(torch.equal(value, same.net.state_dict()[name]) for name, value in plain.net.state_dict().items())


def test_a_compiled_net_keeps_its_keys_and_is_averaged_saved_and_restored(toy, toy_net, monkeypatch, tmp_path):
    """With a backend that runs the captured graph as it is: what is tested is everything around it."""
    net, calls = toy_net(plain=True), []
    compiled = net.compile

    def captured(module, inputs):
        calls.append(1)
        return module.forward

    monkeypatch.setattr(compiling, "why_not", lambda device: "")
    monkeypatch.setattr(net, "compile", lambda: compiled(backend=captured))
    keys = list(net.state_dict())
    plain = toy("plain", net=toy_net(plain=True), optim={"ema_decay": 0.9})
    trained = toy("compiled", net=net, optim={"ema_decay": 0.9, "compile": True})
    assert calls, "the graph was captured"
    assert list(trained.net.state_dict()) == keys
    state = torch.load(tmp_path / "compiled" / "last.ckpt", weights_only=True)["state_dict"]
    assert {name for name in state if name.startswith("net.")} == {f"net.{key}" for key in keys}
    for name, value in plain.net.state_dict().items():
        torch.testing.assert_close(trained.net.state_dict()[name], value)


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="no C++ compiler here")
def test_this_machine_compiles_for_real(toy, toy_net, caplog):
    toy("real", net=toy_net(), optim={"epochs": 2, "compile": True, "ema_decay": 0.9})
    assert "uncompiled" not in caplog.text


def test_an_error_without_words_is_named_by_its_kind(monkeypatch):
    def silent(function):
        raise NotImplementedError

    monkeypatch.setattr(torch, "compile", silent)
    assert why_not(torch.device("cpu")) == "NotImplementedError"
    assert not compile_net(torch.nn.Linear(1, 1), "stage1")

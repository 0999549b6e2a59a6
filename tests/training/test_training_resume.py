"""A training that is stopped and continued ends with the weights of an undisturbed one, bit by bit."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from ceph_pipeline.training.callbacks import EpochLog
from ceph_pipeline.training.resume import epochs_done

EVERYTHING = {
    "epochs": 6,
    "ema_decay": 0.9,
    "accumulate_batches": 2,
    "unfreeze_after_epochs": 2,
    "backbone_rate_factor": 0.1,
}


def stop_after(monkeypatch, epochs, error=ConnectionError):
    """Let the power fail when so many epochs and the first step of another are done."""

    def power_cut(self, trainer, pl_module, batch, batch_idx):
        if trainer.current_epoch == epochs and batch_idx == 1:
            raise error("power cut")

    monkeypatch.setattr(EpochLog, "on_train_batch_start", power_cut)


def assert_equal_weights(one, other):
    ours, theirs = one.net.state_dict(), other.net.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "plateau"])
@pytest.mark.parametrize("done", [1, 4])
def test_a_resumed_training_has_the_same_weights(toy, monkeypatch, schedule, done):
    """Cut off before and after the backbone is unfrozen, with a rate that the plateau lowers at every other validation."""
    optim = EVERYTHING | {"schedule": schedule, "plateau_patience": 1}
    straight = toy("straight", optim=optim)
    with monkeypatch.context() as patch:
        stop_after(patch, done)
        with pytest.raises(ConnectionError):
            toy("broken", optim=optim)
    assert_equal_weights(straight, toy("broken", optim=optim))


def test_ctrl_c_says_how_to_go_on(toy, monkeypatch, caplog):
    straight = toy("straight")
    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", lambda *_: None)  # Lightning ignores further signals, of this process too
        stop_after(patch, 2, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            toy("broken")
    assert "stage1: interrupted. The same command resumes after epoch 2" in caplog.text
    assert_equal_weights(straight, toy("broken"))


def test_patience_is_kept_over_a_resume(toy, monkeypatch, tmp_path):
    """The rate is so low that nothing improves: both stop at the same epoch."""
    optim, loop = {"epochs": 20, "learning_rate": 1e-9}, {"patience": 3, "monitor": "pck"}
    epochs = []
    monkeypatch.setattr(EpochLog, "on_train_epoch_end", lambda self, trainer, module: epochs.append(trainer.current_epoch))
    straight = toy("straight", optim=optim, loop=loop)
    undisturbed = list(epochs)
    epochs.clear()
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(ConnectionError):
            toy("broken", optim=optim, loop=loop)
    assert_equal_weights(straight, toy("broken", optim=optim, loop=loop))
    assert epochs == undisturbed
    epochs.clear()
    assert_equal_weights(straight, toy("broken", optim=optim, loop=loop))
    assert epochs == [], "a training that had stopped early does not begin another epoch"


def test_workers_that_draw_ahead_draw_the_right_epoch(toy, monkeypatch):
    loop = {"workers": 1}
    straight = toy("straight", loop=loop)
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(ConnectionError):
            toy("broken", loop=loop)
    assert_equal_weights(straight, toy("broken", loop=loop))


def test_validations_every_other_epoch_are_resumed_too(toy, monkeypatch):
    optim, loop = EVERYTHING | {"schedule": "plateau", "plateau_patience": 1}, {"validate_every_epochs": 2, "patience": 5}
    straight = toy("straight", optim=optim, loop=loop)
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(ConnectionError):
            toy("broken", optim=optim, loop=loop)
    assert_equal_weights(straight, toy("broken", optim=optim, loop=loop))


@pytest.mark.slow
def test_a_process_that_is_killed_is_continued_to_the_same_weights(toy, tmp_path):
    """SIGKILL, wherever it strikes: no hook runs, no file is closed."""
    optim = EVERYTHING | {"epochs": 40, "schedule": "one_cycle"}
    script = f"""
import importlib.util
from pathlib import Path
spec = importlib.util.spec_from_file_location("toys", {str(Path(__file__).with_name("conftest.py"))!r})
toys = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toys)
toys.train_toy(Path({str(tmp_path)!r}), "killed", optim={optim!r}, loop={{"workers": 1}})
"""
    last = tmp_path / "killed" / "last.ckpt"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while epochs_done(last) < 5 and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    assert process.wait() == -9
    assert 5 <= epochs_done(last) < 40
    assert_equal_weights(toy("straight", optim=optim), toy("killed", optim=optim, loop={"workers": 1}))

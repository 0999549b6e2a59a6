"""When the memory is full the effective batch stays; what the batches are is found, or the error says what to lower."""

import logging

import pytest
import torch

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.batch_plan import BatchPlan, is_out_of_memory


def test_halving_keeps_the_effective_batch_and_every_sample():
    assert BatchPlan(6, 2, 10).split() == BatchPlan(3, 4, 20)
    assert BatchPlan(3, 4, 20).split() == BatchPlan(1, 12, 60)
    assert BatchPlan(5, 1, 7).split() == BatchPlan(1, 5, 35)


def test_a_full_memory_halves_the_batch_and_trains_to_the_same_weights(toy, toy_net, caplog):
    """Without BatchNorm and dropout accumulated halves are the whole, up to rounding."""
    whole = toy("roomy", net=toy_net(plain=True))
    with caplog.at_level(logging.WARNING):
        halved = toy("tight", net=toy_net(largest_batch=1, plain=True))
    ours, theirs = whole.net.state_dict(), halved.net.state_dict()
    for name in ours.keys() - {"head.bias"}:  # a softmax does not feel it: AdamW follows mere rounding there
        torch.testing.assert_close(theirs[name], ours[name], rtol=1e-3, atol=1e-4)
    assert "batches of 2, 2 of them accumulated" in caplog.text
    assert "batches of 1, 4 of them accumulated" in caplog.text
    assert "BatchNorm" in caplog.text


def test_a_memory_full_in_validation_leaves_no_batch_of_it_in_the_next(toy, toy_net, tmp_path, monkeypatch):
    """The second of two validation batches does not fit once: the first must not count twice in the attempt that follows."""
    from ceph_pipeline.training.module import LandmarkModule

    logged, failed = {"roomy": [], "tight": []}, []
    step, end = LandmarkModule.validation_step, LandmarkModule.on_validation_epoch_end

    def fails_once(self, batch, batch_idx):
        if batch_idx == 1 and self.current_epoch == 1 and not failed and now == "tight":
            failed.append(batch_idx)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return step(self, batch, batch_idx)

    def note(self):
        end(self)
        if not self.trainer.sanity_checking:
            logged[now].append(float(self.trainer.callback_metrics["val/mre_mm"]))

    monkeypatch.setattr(LandmarkModule, "validation_step", fails_once)
    monkeypatch.setattr(LandmarkModule, "on_validation_epoch_end", note)
    for now in logged:
        toy(now, net=toy_net(plain=True), optim={"batch_size": 2})
    assert failed
    assert logged["tight"][1:] == pytest.approx(logged["roomy"][1:], abs=0.02)


def test_memory_that_fills_up_later_costs_the_epoch_only(toy, toy_net, monkeypatch, caplog):
    """The net grows in epoch 3: the first two epochs are not trained again."""
    from ceph_pipeline.training.callbacks import EpochLog

    net, begun = toy_net(), []

    def grow(self, trainer, pl_module):
        begun.append(trainer.current_epoch)
        net.largest_batch = 4 if trainer.current_epoch < 2 else 2

    monkeypatch.setattr(EpochLog, "on_train_epoch_start", grow, raising=False)
    with caplog.at_level(logging.INFO):
        toy("grows", net=net)
    assert begun == [0, 1, 2, 2, 3]
    assert "resuming an unfinished training after epoch 2" in caplog.text


def test_one_image_that_does_not_fit_ends_in_what_to_lower(toy, toy_net):
    with pytest.raises(TrainingError, match=r"stage1: a batch of one item does not fit .* Lower stage1\.net\.input_width_px"):
        toy("hopeless", net=toy_net(largest_batch=0))


def test_other_errors_are_not_taken_for_a_full_memory():
    assert is_out_of_memory(torch.OutOfMemoryError("HIP out of memory"))
    assert is_out_of_memory(
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    )
    assert not is_out_of_memory(RuntimeError("shapes differ"))

"""A folder's training is done, goes on, is replaced, or is protected from other inputs."""

import pandas as pd
import pytest
import torch

from ceph_pipeline.artifacts import Ledger, fingerprint
from ceph_pipeline.detector.checkpoint import TrainedNet, write_tensors
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.params import LoopParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.resume import begin_or_skip, epochs_done, finish

TABLE = {"images": pd.DataFrame({"image_id": ["a", "b"]}), "landmarks": pd.DataFrame({"x": [1.0]})}


def params(**values):
    loop = {key: values.pop(key) for key in list(values) if key in LoopParams.model_fields}
    net = {key: values.pop(key) for key in list(values) if key in NetParams.model_fields}
    return Stage1Params(net=NetParams(**net), optim=OptimParams(**values), loop=LoopParams(**loop))


def cut_off(folder, epochs=3, given=None):
    """A training that was cut off after some epochs."""
    assert begin_or_skip(folder, "stage1", TABLE, given or params())
    write_tensors({"epoch": epochs - 1, "state_dict": {}}, folder / "last.ckpt")
    write_tensors({"epoch": 1, "state_dict": {}}, folder / "best-epoch.ckpt")


def test_the_same_inputs_go_on(tmp_path):
    cut_off(tmp_path)
    assert begin_or_skip(tmp_path, "stage1", TABLE, params())
    assert epochs_done(tmp_path / "last.ckpt") == 3


def test_more_workers_are_no_other_training(tmp_path):
    cut_off(tmp_path)
    assert begin_or_skip(tmp_path, "stage1", TABLE, params(workers=7))
    assert (tmp_path / "last.ckpt").exists()


def test_other_parameters_are_refused_with_the_difference_and_the_way_out(tmp_path):
    cut_off(tmp_path)
    with pytest.raises(TrainingError) as refusal:
        begin_or_skip(tmp_path, "stage1", TABLE, params(learning_rate=0.5, monitor="pck"))
    message = str(refusal.value)
    assert "contains an unfinished training (3 epochs) with other inputs" in message
    assert "stage1.optim.learning_rate: was 0.0001, now 0.5" in message
    assert "stage1.loop.monitor: was mre, now pck" in message
    assert "epochs: it was" not in message
    assert "--params stage1.loop.force=true" in message
    assert (tmp_path / "last.ckpt").exists()
    assert begin_or_skip(tmp_path, "stage1", TABLE, params()), "the record is still the first training's"


def test_other_data_are_refused_by_name(tmp_path):
    cut_off(tmp_path)
    with pytest.raises(TrainingError, match="data: landmarks: was"):
        begin_or_skip(tmp_path, "stage1", TABLE | {"landmarks": pd.DataFrame({"x": [2.0]})}, params())


def test_force_starts_over(tmp_path):
    cut_off(tmp_path)
    assert begin_or_skip(tmp_path, "stage1", TABLE, params(learning_rate=0.5, force=True))
    assert not (tmp_path / "last.ckpt").exists()
    assert epochs_done(tmp_path / "last.ckpt") == 0


def test_before_the_first_epoch_there_is_nothing_to_protect(tmp_path):
    assert begin_or_skip(tmp_path, "stage1", TABLE, params())
    assert begin_or_skip(tmp_path, "stage1", TABLE, params(learning_rate=0.5))


def trained(net):
    return TrainedNet(net, "stage1", ("wide", "narrow"), (32, 32), 4, 1.0, "softmax", {})


@pytest.fixture
def complete(tmp_path, toy_net):
    """A folder whose training is complete."""
    cut_off(tmp_path)
    finish(tmp_path, trained(toy_net()))
    return tmp_path


def test_a_finished_training_is_skipped(complete):
    assert not begin_or_skip(complete, "stage1", TABLE, params())
    assert [path.name for path in complete.glob("*.ckpt")] == ["best.ckpt"]


@pytest.mark.parametrize("force", [False, True])
def test_a_finished_network_stays_until_its_successor_is_written(complete, toy_net, force):
    before = (complete / "best.ckpt").read_bytes()
    assert begin_or_skip(complete, "stage1", TABLE, params(learning_rate=0.5, force=force))
    assert (complete / "best.ckpt").read_bytes() == before
    assert not Ledger(complete).read()["complete"], "nobody takes the old network for that of the new parameters"
    with torch.no_grad():
        (net := toy_net()).head.bias.fill_(3.0)
    finish(complete, trained(net))
    assert load_bias(complete) == [3.0, 3.0]
    assert not begin_or_skip(complete, "stage1", TABLE, params(learning_rate=0.5))
    assert begin_or_skip(complete, "stage1", TABLE, params()), "the first training is no longer there"


def load_bias(folder):
    return torch.load(folder / "best.ckpt", weights_only=True)["state_dict"]["head.bias"].tolist()


def test_a_typo_costs_nothing_once_it_is_corrected(complete):
    """A training of other parameters that ended before its first epoch, and then the finished one's parameters again."""
    assert begin_or_skip(complete, "stage1", TABLE, params(learning_rate=0.5))
    assert not begin_or_skip(complete, "stage1", TABLE, params())


def test_once_it_is_corrected_the_folder_is_complete_again(complete):
    assert begin_or_skip(complete, "stage1", TABLE, params(learning_rate=0.5))
    assert Ledger(complete).read()["complete"] is False
    assert not begin_or_skip(complete, "stage1", TABLE, params())
    assert Ledger(complete).read()["complete"] is True


def test_an_unfinished_training_goes_on_after_the_finished_one_was_asked_for(complete):
    cut_off(complete, given=params(learning_rate=0.5))
    assert not begin_or_skip(complete, "stage1", TABLE, params())
    assert begin_or_skip(complete, "stage1", TABLE, params(learning_rate=0.5))
    assert epochs_done(complete / "last.ckpt") == 3


def test_a_forced_training_that_was_cut_off_goes_on(complete):
    cut_off(complete, given=params(force=True))
    assert begin_or_skip(complete, "stage1", TABLE, params())
    assert epochs_done(complete / "last.ckpt") == 3


@pytest.mark.parametrize("learning_rate", [1e-4, 0.5], ids=["the same training", "another"])
def test_what_a_finished_training_could_not_drop_any_more_is_dropped(complete, learning_rate):
    """The process was killed after its ledger was closed."""
    for name in ("last.ckpt", "best-epoch.ckpt"):
        write_tensors({"epoch": 199, "state_dict": {}}, complete / name)
    assert begin_or_skip(complete, "stage1", TABLE, params(learning_rate=learning_rate)) is (learning_rate == 0.5)
    assert [path.name for path in complete.glob("*.ckpt")] == ["best.ckpt"]


class TestInitialWeights:
    @pytest.fixture
    def weights(self, tmp_path):
        path = tmp_path / "w.pth"
        path.write_bytes(b"first")
        return path

    @pytest.fixture
    def folder(self, tmp_path, weights, toy_net):
        """Of a training that started from the weights and is complete."""
        cut_off(folder := tmp_path / "stage1", given=params(pretrained=str(weights)))
        finish(folder, trained(toy_net()))
        return folder

    def test_others_under_the_same_path_are_another_training(self, folder, weights):
        assert not begin_or_skip(folder, "stage1", TABLE, params(pretrained=str(weights)))
        weights.write_bytes(b"second")
        assert begin_or_skip(folder, "stage1", TABLE, params(pretrained=str(weights)))
        weights.write_bytes(b"first")
        assert not begin_or_skip(folder, "stage1", TABLE, params(pretrained=str(weights)))

    def test_an_unfinished_training_is_protected_from_them(self, tmp_path, weights):
        cut_off(tmp_path / "stage1", given=params(pretrained=str(weights)))
        weights.write_bytes(b"second")
        with pytest.raises(TrainingError, match="data: initial weights: was"):
            begin_or_skip(tmp_path / "stage1", "stage1", TABLE, params(pretrained=str(weights)))

    def test_a_finished_training_needs_them_no_more(self, folder, weights):
        weights.unlink()
        assert not begin_or_skip(folder, "stage1", TABLE, params(pretrained=str(weights)))

    def test_the_network_that_the_training_itself_replaces_counts_by_its_path(self, complete, toy_net):
        onwards = params(pretrained=str(complete / "best.ckpt"))
        assert begin_or_skip(complete, "stage1", TABLE, onwards)
        with torch.no_grad():
            (net := toy_net()).head.bias.fill_(3.0)
        finish(complete, trained(net))
        assert not begin_or_skip(complete, "stage1", TABLE, onwards)

    @pytest.mark.parametrize("pretrained", [True, False])
    def test_without_a_file_the_fingerprint_is_of_data_and_parameters(self, tmp_path, pretrained):
        begin_or_skip(tmp_path, "stage1", TABLE, given := params(pretrained=pretrained))
        assert Ledger(tmp_path).read()["fingerprint"] == fingerprint(TABLE, {"stage1": given})


@pytest.mark.parametrize("damage", ["truncated", "replaced", "missing"])
def test_a_checkpoint_that_is_not_what_its_training_wrote_is_trained_again(complete, caplog, damage):
    best = complete / "best.ckpt"
    if damage == "truncated":
        best.write_bytes(best.read_bytes()[:-100])
    elif damage == "replaced":
        write_tensors({"weights": torch.zeros(1)}, best)
    else:
        best.unlink()
    assert begin_or_skip(complete, "stage1", TABLE, params())
    assert f"{best} is missing, damaged or not the file that its training wrote: training again" in caplog.text


@pytest.mark.parametrize("damage", ["cut off", "noise", "empty", "code", "something else"])
@pytest.mark.parametrize("learning_rate", [1e-4, 0.5], ids=["the same training", "another"])
def test_a_damaged_state_is_named_with_the_way_out(tmp_path, damage, learning_rate):
    folder = tmp_path / "stage1"
    cut_off(folder)
    last = folder / "last.ckpt"
    contents = {"cut off": last.read_bytes()[:400], "noise": b"\x93" * 5000, "empty": b""}
    if damage in contents:
        last.write_bytes(contents[damage])
    else:
        torch.save(slice(3) if damage == "code" else {"weights": 1}, last)

    def go_on():
        begin_or_skip(folder, "stage1", TABLE, params(learning_rate=learning_rate))
        epochs_done(last)

    with pytest.raises(
        TrainingError, match=r"stage1/last\.ckpt: missing, damaged.*delete it to start this training from the beginning"
    ):
        go_on()
    assert last.exists(), "it may be somebody's to mend"
    assert begin_or_skip(folder, "stage1", TABLE, params(learning_rate=learning_rate, force=True))

"""A folder's training is done, goes on, is replaced, or is protected from other inputs."""

import pandas as pd
import pytest
import torch

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.detector.checkpoint import write_tensors
from ceph_pipeline.training.continuation import epochs_done, finished
from ceph_pipeline.training.errors import TrainingError
from ceph_pipeline.training.params import LoopParams, OptimParams, Stage1Params

TABLE = {"images": pd.DataFrame({"image_id": ["a", "b"]}), "landmarks": pd.DataFrame({"x": [1.0]})}


def params(**values):
    loop = {key: values.pop(key) for key in list(values) if key in LoopParams.model_fields}
    return Stage1Params(optim=OptimParams(**values), loop=LoopParams(**loop))


def cut_off(folder, epochs=3, given=None):
    """A training that was cut off after some epochs."""
    assert not finished(folder, "stage1", TABLE, given or params())
    write_tensors({"epoch": epochs - 1, "state_dict": {}}, folder / "last.ckpt")
    write_tensors({"epoch": 1, "state_dict": {}}, folder / "best-epoch.ckpt")


def test_the_same_inputs_go_on(tmp_path):
    cut_off(tmp_path)
    assert not finished(tmp_path, "stage1", TABLE, params())
    assert epochs_done(tmp_path / "last.ckpt") == 3


def test_more_workers_are_no_other_training(tmp_path):
    cut_off(tmp_path)
    assert not finished(tmp_path, "stage1", TABLE, params(workers=7))
    assert (tmp_path / "last.ckpt").exists()


def test_other_parameters_are_refused_with_the_difference_and_the_way_out(tmp_path):
    cut_off(tmp_path)
    with pytest.raises(TrainingError) as refusal:
        finished(tmp_path, "stage1", TABLE, params(learning_rate=0.5, monitor="pck"))
    message = str(refusal.value)
    assert "holds an unfinished training (3 epochs) of other inputs" in message
    assert "stage1.optim.learning_rate: it was begun with 0.0001, now 0.5" in message
    assert "stage1.loop.monitor: it was begun with mre, now pck" in message
    assert "epochs: it was" not in message
    assert "--params stage1.loop.force=true" in message
    assert (tmp_path / "last.ckpt").exists()
    assert not finished(tmp_path, "stage1", TABLE, params()), "the record is still the first training's"


def test_other_data_are_refused_by_name(tmp_path):
    cut_off(tmp_path)
    with pytest.raises(TrainingError, match="data: landmarks: it was begun with"):
        finished(tmp_path, "stage1", TABLE | {"landmarks": pd.DataFrame({"x": [2.0]})}, params())


def test_force_starts_over(tmp_path):
    cut_off(tmp_path)
    assert not finished(tmp_path, "stage1", TABLE, params(learning_rate=0.5, force=True))
    assert not (tmp_path / "last.ckpt").exists()
    assert epochs_done(tmp_path / "last.ckpt") == 0


def test_before_the_first_epoch_there_is_nothing_to_protect(tmp_path):
    assert not finished(tmp_path, "stage1", TABLE, params())
    assert not finished(tmp_path, "stage1", TABLE, params(learning_rate=0.5))


def test_a_finished_training_of_other_parameters_is_replaced(tmp_path):
    cut_off(tmp_path)
    write_tensors({}, tmp_path / "best.ckpt")
    (tmp_path / "last.ckpt").unlink()
    Ledger(tmp_path).finish()
    assert finished(tmp_path, "stage1", TABLE, params())
    assert not finished(tmp_path, "stage1", TABLE, params(learning_rate=0.5))
    assert not (tmp_path / "best.ckpt").exists()


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

    with pytest.raises(TrainingError, match=r"stage1/last\.ckpt: missing, damaged.*--params stage1\.loop\.force=true"):
        finished(folder, "stage1", TABLE, params(learning_rate=learning_rate)) or epochs_done(last)
    assert last.exists(), "it may be somebody's to mend"
    assert not finished(folder, "stage1", TABLE, params(learning_rate=learning_rate, force=True))

"""A network resumed from one's own checkpoint with other settings has all of it that means the same."""

import logging

import pytest
import torch

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.checkpoint import CheckpointError, save_checkpoint
from ceph_pipeline.models import WeightsError
from ceph_pipeline.training import stage1, stage2
from ceph_pipeline.training.measurement_scores import UNMEASURED
from ceph_pipeline.training.params import Stage1Params, Stage2Params

NET = {"backbone": "mobilenetv3_small_050", "pretrained": False}
MARKS = ["p1", "p2"]


def described(stage, names, seed, pretrained=False, **net):
    """A new network of a stage, described as its training does."""
    settings = {"net": NET | {"pretrained": str(pretrained) if pretrained else False} | net, "loop": {"seed": seed}}
    if stage == "stage1":
        return stage1.describe(names, Stage1Params.model_validate(settings), UNMEASURED, n_stages=0)
    return stage2.describe(names, CropParams(crop_px=64), Stage2Params.model_validate(settings))


def differing(first, second):
    """Names of the tensors that two networks do not have in common."""
    others = second.net.state_dict()
    return {name for name, tensor in first.net.state_dict().items() if not torch.equal(tensor, others[name])}


@pytest.fixture(params=["stage1", "stage2"])
def stage(request):
    return request.param


@pytest.fixture
def earlier(stage, tmp_path, caplog):
    """A trained network of p1 and p2, and its checkpoint."""
    caplog.set_level(logging.INFO, "ceph_pipeline.detector.own_weights")
    trained = described(stage, MARKS, seed=1)
    with torch.no_grad():
        for tensor in trained.net.parameters():
            tensor.add_(0.01)
    save_checkpoint(trained, tmp_path / "best.ckpt")
    return trained, tmp_path / "best.ckpt"


def test_same_landmarks_take_the_whole_network(stage, earlier, caplog):
    trained, path = earlier
    resumed = described(stage, MARKS, seed=2, pretrained=path, dropout=0.2)
    assert differing(resumed, trained) == set()
    assert f"tensors loaded from {path}, heads included" in caplog.text


@pytest.mark.parametrize("names", [["p2", "p1"], ["Sella", "Nasion"]])
def test_other_landmarks_take_backbone_and_neck_and_say_so(stage, earlier, caplog, names):
    trained, path = earlier
    resumed = described(stage, names, seed=2, pretrained=path)
    heads = {"heatmap_head.maps.weight", "heatmap_head.maps.bias"}
    if stage == "stage2":
        heads = {"film.weight", "rows.weight", "biases.weight"}
    assert differing(resumed, trained) == heads
    assert all(name in caplog.text for name in heads)
    assert "start from random weights: the file has other landmarks, or another order" in caplog.text


def test_colour_in_place_of_grey_is_filled_by_the_backbone_and_counted(tmp_path, caplog):
    caplog.set_level(logging.INFO, "ceph_pipeline.detector.own_weights")
    save_checkpoint(described("stage1", MARKS, seed=1, in_channels=3), tmp_path / "colour.ckpt")
    described("stage1", MARKS, seed=2, pretrained=tmp_path / "colour.ckpt")
    assert ", heads included" in caplog.text


def test_weights_alone_fill_the_backbone_only(stage, earlier, tmp_path, caplog):
    trained, _ = earlier
    torch.save({"state_dict": trained.net.state_dict()}, tmp_path / "foreign.pth")
    resumed = described(stage, MARKS, seed=2, pretrained=tmp_path / "foreign.pth")
    weights = resumed.net.backbone.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in trained.net.backbone.state_dict().items() if tensor.ndim)
    assert differing(resumed, trained)
    assert not [record for record in caplog.records if record.name == "ceph_pipeline.detector.own_weights"]


def test_damaged_checkpoint_is_refused(stage, earlier):
    _, path = earlier
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="not a checkpoint, or a damaged one"):
        described(stage, MARKS, seed=2, pretrained=path)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("architecture", ["a", "list"], "architecture"),
        ("landmarks", 3, "landmarks"),
        ("state_dict", None, "heatmap_head.maps.weight"),
    ],
)
def test_a_checkpoint_with_wrong_fields_or_without_numbers_is_refused(tmp_path, field, value, said):
    trained = described("stage1", MARKS, seed=1)
    if value is None:
        torch.nn.init.constant_(trained.net.heatmap_head.maps.weight, torch.nan)
    save_checkpoint(trained, tmp_path / "best.ckpt")
    if value is not None:
        content = torch.load(tmp_path / "best.ckpt", weights_only=True)
        torch.save(content | {field: value}, tmp_path / "best.ckpt")
    with pytest.raises(CheckpointError, match=said):
        described("stage1", MARKS, seed=2, pretrained=tmp_path / "best.ckpt")


def test_heads_of_the_other_stage_are_not_taken(tmp_path, caplog):
    caplog.set_level(logging.INFO, "ceph_pipeline.detector.own_weights")
    save_checkpoint(described("stage2", MARKS, seed=1), tmp_path / "best.ckpt")
    described("stage1", MARKS, seed=2, pretrained=tmp_path / "best.ckpt")
    assert "start from random weights: the file is of stage2" in caplog.text

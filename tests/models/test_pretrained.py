"""What happens where a checkpoint does not fit is what the configuration says, and is said."""

import logging

import pytest
import timm
import torch

from ceph_pipeline.models import (
    WeightsError,
    WeightsMismatchError,
    create_landmark_net,
    create_refinement_net,
)
from ceph_pipeline.models import backbones as backbones_module

CREATORS = [create_landmark_net, create_refinement_net]


@pytest.fixture
def other(tmp_path):
    """A checkpoint of another architecture than the one asked for."""
    weights = timm.create_model("resnet34", features_only=True, in_chans=1).state_dict()
    torch.save({"state_dict": {f"backbone.{key}": tensor for key, tensor in weights.items()}}, tmp_path / "other.pth")
    return tmp_path / "other.pth"


@pytest.mark.parametrize("create", CREATORS)
class TestMismatch:
    def test_is_an_error_unless_said_otherwise(self, create, other):
        with pytest.raises(WeightsMismatchError, match=r"matches \d+%.*set `on_mismatch`"):
            create("hrnet_w18_small", 3, pretrained=other)

    def test_random_keeps_the_backbone_and_says_so(self, create, other, caplog):
        with caplog.at_level(logging.WARNING, "ceph_pipeline.models.pretrained"):
            net = create("hrnet_w18_small", 3, pretrained=other, on_mismatch="random")
        assert net.architecture["backbone"] == "hrnet_w18_small"
        assert "matches 1% of the backbone's tensors" in caplog.text
        assert "on_mismatch: random: hrnet_w18_small starts from random weights" in caplog.text

    def test_fallback_is_a_resnet18_with_its_own_weights_and_says_so(self, create, other, caplog, monkeypatch):
        asked = []
        monkeypatch.setattr(backbones_module, "published_weights", asked.append)
        with caplog.at_level(logging.WARNING, "ceph_pipeline.models.pretrained"):
            net = create("hrnet_w18_small", 3, pretrained=other, on_mismatch="fallback")
        assert asked == ["resnet18"]
        assert net.features.backbone.name == net.architecture["backbone"] == "resnet18"
        assert "on_mismatch: fallback: resnet18 replaces hrnet_w18_small" in caplog.text

    def test_net_after_a_fallback_is_rebuilt_from_its_own_description(self, create, other, monkeypatch):
        monkeypatch.setattr(backbones_module, "published_weights", lambda name: None)
        net = create("hrnet_w18_small", 3, pretrained=other, on_mismatch="fallback", dropout=0.1)
        again = create(**net.architecture)
        again.load_state_dict(net.state_dict())
        assert again.architecture == net.architecture


@pytest.mark.parametrize("on_mismatch", ["random", "fallback"])
def test_damaged_file_is_an_error_whatever_is_said(on_mismatch, tmp_path):
    (tmp_path / "page.pth").write_bytes(b"<!DOCTYPE html>" * 9)
    with pytest.raises(WeightsError, match="not a checkpoint, or a damaged one"):
        create_landmark_net("resnet18", 3, pretrained=tmp_path / "page.pth", on_mismatch=on_mismatch)


def test_checkpoint_that_fits_is_taken_whatever_is_said(tmp_path, caplog):
    weights = timm.create_model("resnet18", features_only=True, in_chans=1).state_dict()
    torch.save(weights, tmp_path / "resnet.pth")
    with caplog.at_level(logging.WARNING):
        net = create_landmark_net("resnet18", 3, pretrained=tmp_path / "resnet.pth", on_mismatch="fallback")
    assert torch.equal(net.backbone.conv1.weight, weights["conv1.weight"])
    assert caplog.records == []


def test_unknown_choice_is_refused():
    with pytest.raises(ValueError, match=r"'ignore', expected one of error, random, fallback"):
        create_landmark_net("resnet18", 3, on_mismatch="ignore")

"""Backbone weights come in from timm, from MMPose and from our own checkpoints; anything else is refused."""

import os
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from ceph_pipeline.models import WeightsError, create_landmark_net, create_refinement_net, load_backbone_weights

SMALL = "hrnet_w18_small"


def _timm_weights(name: str, in_channels: int = 3) -> dict[str, torch.Tensor]:
    location = {"feature_location": ""} if name.startswith("hrnet") else {}
    return timm.create_model(name, features_only=True, in_chans=in_channels, **location).state_dict()


def _mmpose_checkpoint(weights: dict[str, torch.Tensor], path: Path) -> Path:
    """A checkpoint as MMPose publishes it: `backbone.` before each key, and a head of its own."""
    state = {f"backbone.{key}": tensor for key, tensor in weights.items()}
    state["head.final_layer.weight"] = torch.zeros(38, 270, 1, 1)
    torch.save({"meta": {"epoch": 60}, "state_dict": state}, path)
    return path


def _same(net: torch.nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, weights[key]) for key, tensor in net.backbone.state_dict().items())


class TestSources:
    def test_mmpose_checkpoint_fills_the_whole_backbone_and_its_head_is_left_out(self, tmp_path):
        weights = _timm_weights(SMALL)
        net = create_landmark_net(SMALL, 19, in_channels=3)
        report = load_backbone_weights(net, _mmpose_checkpoint(weights, tmp_path / "hrnet.pth"))
        assert _same(net, weights)
        assert (len(report.matched), report.missing, report.mismatched) == (355, (), ())
        assert report.unexpected == ("head.final_layer.weight",)

    @pytest.mark.parametrize("name", ["hrnet_w32", "hrnet_w48"])
    def test_all_1525_tensors_of_a_cl_detection_checkpoint_find_their_place(self, name, tmp_path):
        """As MMPose saves an HRNet: each of timm's own tensors, counters of batches too, behind `backbone.`, beside its head."""
        net = create_landmark_net(name, 38, in_channels=3)
        own = net.backbone.state_dict()
        published = {key: torch.full((), 0.25, dtype=t.dtype).expand(t.shape) for key, t in own.items()}
        report = load_backbone_weights(net, _mmpose_checkpoint(published, tmp_path / "baseline.pth"))
        assert set(report.matched) == {key for key in own if not key.endswith("num_batches_tracked")}
        assert len(report.matched) == 1525
        assert report.missing == report.mismatched == ()
        assert report.unexpected == ("head.final_layer.weight",)
        assert all((parameter == 0.25).all() for parameter in net.backbone.parameters())
        families = {key.split(".")[0] for key in report.matched}
        assert families == {
            "conv1",
            "bn1",
            "conv2",
            "bn2",
            "layer1",
            *(f"transition{n}" for n in (1, 2, 3)),
            "stage2",
            "stage3",
            "stage4",
        }

    def test_checkpoint_without_the_last_fusion_layers_fits_and_says_so(self, tmp_path):
        weights = _timm_weights(SMALL)
        absent = {key for key in weights if key.startswith("stage4.0.fuse_layers.3.") and not key.endswith("tracked")}
        kept = {key: tensor for key, tensor in weights.items() if key not in absent}
        report = load_backbone_weights(create_landmark_net(SMALL, 19), _mmpose_checkpoint(kept, tmp_path / "hrnet.pth"))
        assert set(report.missing) == absent
        assert report.share == pytest.approx(1 - len(absent) / 355)

    def test_own_checkpoint_of_the_landmark_net_starts_a_refinement_net(self, tmp_path):
        trained, net = create_landmark_net(SMALL, 19), create_refinement_net(SMALL, 29)
        state = {f"net.{key}": tensor for key, tensor in trained.state_dict().items()}
        torch.save({"state_dict": state, "epoch": 3}, tmp_path / "best.ckpt")
        report = load_backbone_weights(net, tmp_path / "best.ckpt")
        assert _same(net, trained.backbone.state_dict())
        assert "heatmap_head.maps.weight" in report.unexpected

    def test_timm_file_with_a_classifier_is_read_as_safetensors(self, tmp_path):
        weights = timm.create_model("resnet18", in_chans=1).state_dict()
        save_file(weights, tmp_path / "model.safetensors")
        net = create_landmark_net("resnet18", 3, pretrained=tmp_path / "model.safetensors")
        assert _same(net, weights)

    def test_flattened_names_of_timms_feature_lists_are_recognised(self, tmp_path):
        torch.save(timm.create_model("convnextv2_atto", in_chans=1).state_dict(), tmp_path / "convnext.pth")
        report = load_backbone_weights(create_landmark_net("convnextv2_atto", 3), tmp_path / "convnext.pth")
        assert report.missing == ()

    def test_averaged_weights_are_preferred(self, tmp_path):
        averaged, last = _timm_weights(SMALL, 1), _timm_weights(SMALL, 1)
        torch.save({"model": last, "state_dict_ema": averaged}, tmp_path / "run.pth")
        net = create_landmark_net(SMALL, 3)
        load_backbone_weights(net, tmp_path / "run.pth")
        assert _same(net, averaged)

    def test_colour_filters_are_summed_for_grey_images(self, tmp_path):
        colour = _timm_weights(SMALL, 3)
        net = create_landmark_net(SMALL, 3, in_channels=1)
        report = load_backbone_weights(net, _mmpose_checkpoint(colour, tmp_path / "hrnet.pth"))
        assert report.mismatched == ()
        torch.testing.assert_close(net.backbone.conv1.weight, colour["conv1.weight"].sum(dim=1, keepdim=True))

    def test_report_reads_as_a_sentence(self, tmp_path):
        report = load_backbone_weights(
            create_landmark_net(SMALL, 19), _mmpose_checkpoint(_timm_weights(SMALL), tmp_path / "hrnet.pth")
        )
        assert str(report) == "355 matched, 0 missing, 0 mismatched, 1 unexpected"


class TestRefused:
    @pytest.mark.parametrize("other", ["resnet18", "hrnet_w18"])
    def test_another_architecture_is_refused_and_the_weights_stay(self, other, tmp_path):
        net = create_landmark_net(SMALL, 19)
        before = {key: tensor.clone() for key, tensor in net.backbone.state_dict().items()}
        with pytest.raises(WeightsError, match=r"matches \d+% of the backbone's tensors, expected at least 80%"):
            load_backbone_weights(net, _mmpose_checkpoint(_timm_weights(other), tmp_path / "other.pth"))
        assert _same(net, before)

    def test_checkpoint_with_code_is_refused_before_the_code_runs(self, tmp_path):
        class Intruder:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "intruded"),)

        torch.save({"state_dict": {}, "hook": Intruder()}, tmp_path / "evil.pth")
        with pytest.raises(WeightsError, match=r"rejected, because it contains the Python object (posix|nt)\.mkdir"):
            load_backbone_weights(create_landmark_net("resnet18", 3), tmp_path / "evil.pth")
        assert not (tmp_path / "intruded").exists()

    @pytest.mark.parametrize("name", ["page.pth", "page.safetensors"])
    @pytest.mark.parametrize(
        "content", [b"", b"<!DOCTYPE html><html>404</html>" * 9, b"Repository not found", b"sorry", b"hello world", b"r BF"]
    )
    def test_file_that_is_no_checkpoint_is_said_to_be_none(self, name, content, tmp_path):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match="not a checkpoint, or a damaged one"):
            load_backbone_weights(create_landmark_net("resnet18", 3), tmp_path / name)

    @pytest.mark.parametrize("content", [{"state_dict": {}}, {"epoch": 3}, [torch.zeros(1)]])
    def test_file_without_weights_is_refused(self, content, tmp_path):
        torch.save(content, tmp_path / "empty.pth")
        with pytest.raises(WeightsError, match="no weights found"):
            load_backbone_weights(create_landmark_net("resnet18", 3), tmp_path / "empty.pth")

    @pytest.mark.parametrize("create", [create_landmark_net, create_refinement_net])
    def test_missing_file_is_named(self, create, tmp_path):
        with pytest.raises(WeightsError, match=r"absent\.pth: no such checkpoint file\. Correct the path"):
            create("resnet18", 3, pretrained=tmp_path / "absent.pth")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused_and_nothing_is_changed(tmp_path, value):
    weights = _timm_weights(SMALL)
    weights["conv1.weight"][0, 0, 0, 0] = value
    net = create_landmark_net(SMALL, 19, in_channels=3)
    before = {key: tensor.clone() for key, tensor in net.backbone.state_dict().items()}
    with pytest.raises(WeightsError, match=r"hrnet.pth: 1 tensors contain NaN or infinite weights, first conv1.weight"):
        load_backbone_weights(net, _mmpose_checkpoint(weights, tmp_path / "hrnet.pth"))
    assert _same(net, before)

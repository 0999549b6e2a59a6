"""What the crop network is told about the landmark decides between which landmarks it can tell."""

import pytest
import torch

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.checkpoint import load_checkpoint, save_checkpoint
from ceph_pipeline.landmarks import SCHEMAS, find
from ceph_pipeline.models import count_flops, count_parameters, create_refinement_net, describe_net
from ceph_pipeline.training.params import RefinementNetParams, Stage2Params
from ceph_pipeline.training.stage2 import describe

SMALL = "mobilenetv3_small_050"
ISBI = SCHEMAS["isbi2015"].names
CONDITIONINGS = ["landmark", "none"]


def _net(conditioning, names=ISBI, stride=4):
    """A network whose every weight is at work, as after a training; FiLM begins at zero."""
    torch.manual_seed(0)
    net = create_refinement_net(SMALL, len(names), stride=stride, conditioning=conditioning).eval()
    for module in (net.film, net.rows, net.biases):
        if module is not None:
            torch.nn.init.normal_(module.weight, std=0.1)
    return net


def _told(net, names=ISBI):
    """The maps `(K, h, w)` of one crop, asked for each landmark."""
    crop = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return net(crop.expand(len(names), -1, -1, -1), torch.arange(len(names)))[:, 0]


def _answers(maps):
    """Number the distinct maps in the order in which they occur."""
    seen = []
    for answer in maps:
        if not any(torch.allclose(answer, known, atol=1e-5) for known in seen):
            seen.append(answer)
    return [next(n for n, known in enumerate(seen) if torch.allclose(answer, known, atol=1e-5)) for answer in maps]


class TestAnswers:
    @pytest.mark.parametrize("stride", [2, 4])
    def test_told_nothing_it_answers_the_same_whatever_is_asked(self, stride):
        assert set(_answers(_told(_net("none", stride=stride)))) == {0}

    def test_told_the_landmark_it_answers_each_by_itself(self):
        assert _answers(_told(_net("landmark"))) == list(range(19))

    @pytest.mark.parametrize("conditioning", CONDITIONINGS)
    def test_landmark_that_does_not_exist_is_refused(self, conditioning):
        net = _net(conditioning)
        for index in (-1, 19):
            with pytest.raises((IndexError, RuntimeError), match="index out of range"):
                net(torch.zeros(1, 1, 64, 64), torch.tensor([index]))


class TestSize:
    def test_one_map_is_computed_for_a_crop_whatever_is_told(self):
        inputs = torch.zeros(1, 1, 64, 64), torch.zeros(1, dtype=torch.int64)
        assert len({count_flops(_net(conditioning), *inputs) for conditioning in CONDITIONINGS}) == 1

    def test_parameters_are_those_on_paper(self):
        """Features of 128 channels: a head has 129 numbers, FiLM 256 a landmark."""
        size = {conditioning: count_parameters(_net(conditioning)) for conditioning in CONDITIONINGS}
        assert size["landmark"] - size["none"] == (19 - 1) * 129 + 19 * 256

    def test_net_in_words(self):
        assert describe_net(_net("landmark"), (64, 64)).startswith(f"{SMALL}, 0.9 million parameters, 0.1 GFLOP")


class TestLearning:
    def test_only_the_landmarks_asked_for_learn_at_the_last_layer(self):
        net = _net("landmark")
        asked = torch.tensor([ISBI.index(find(symbol).name) for symbol in ("Go", "Me", "Ls")])
        net(torch.randn(3, 1, 64, 64), asked).square().sum().backward()
        learned = net.rows.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist()
        assert learned == sorted(asked.tolist())


class TestCheckpoint:
    @pytest.mark.parametrize("conditioning", CONDITIONINGS)
    def test_carries_all_that_the_net_needs(self, conditioning, tmp_path):
        params = Stage2Params(net=RefinementNetParams(backbone=SMALL, conditioning=conditioning))
        trained = describe(list(ISBI), CropParams(crop_px=64), params)
        torch.nn.init.normal_(trained.net.rows.weight)
        save_checkpoint(trained, tmp_path / "best.ckpt")
        loaded = load_checkpoint(tmp_path / "best.ckpt")
        assert loaded.architecture["conditioning"] == conditioning
        weights = trained.net.state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in loaded.net.state_dict().items())
        torch.testing.assert_close(_told(loaded.net), _told(trained.net.eval()))  # computed in another memory layout

    def test_files_with_an_empty_field_for_groups_load(self, tmp_path):
        trained = describe(list(ISBI), CropParams(crop_px=64), Stage2Params(net=RefinementNetParams(backbone=SMALL)))
        architecture = trained.architecture
        trained.architecture = architecture | {"groups": None}
        save_checkpoint(trained, tmp_path / "best.ckpt")
        assert load_checkpoint(tmp_path / "best.ckpt").architecture == architecture

    def test_net_is_told_the_landmark_unless_said_otherwise(self):
        net = create_refinement_net(SMALL, 19)
        assert Stage2Params().net.conditioning == net.architecture["conditioning"] == "landmark"
        own = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items() if not name.startswith("features.")}
        assert {name: shape for name, shape in own.items() if not name.startswith("fusion.")} == {
            "film.weight": (19, 256),
            "rows.weight": (19, net.fusion.out_channels),
            "biases.weight": (19, 1),
        }


class TestRefused:
    def test_unknown_conditioning(self):
        with pytest.raises(ValueError, match="'tissue', expected one of landmark, none"):
            create_refinement_net(SMALL, 3, conditioning="tissue")

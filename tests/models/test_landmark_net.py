"""The whole-image network: shapes, heads, backbones and what it refuses."""

import pytest
import torch
from torch.nn import functional

from ceph_pipeline.heatmaps import decode, encode
from ceph_pipeline.losses import create_loss
from ceph_pipeline.models import UnknownBackboneError, backbones, create_landmark_net
from ceph_pipeline.models.heads import DistanceHead


def _images(height: int = 64, width: int = 96, channels: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(seed))


class TestOutputs:
    @pytest.mark.parametrize("backbone", ["hrnet_w18_small", "resnet18", "convnextv2_atto"])
    @pytest.mark.parametrize("stride", [2, 4, 8])
    def test_heatmaps_have_one_map_a_landmark_at_the_stride_asked_for(self, backbone, stride):
        output = create_landmark_net(backbone, 19, stride=stride)(_images())
        assert output.heatmaps.shape == (2, 19, 64 // stride, 96 // stride)
        assert output.cvm_logits is None
        assert output.measurements is None

    def test_cvm_heads_answer_one_question_less_than_there_are_stages(self):
        net = create_landmark_net("hrnet_w18_small", 29, cvm_stages=6, n_measurements=10, measured_maps=("linear", 2.0))
        output = net(_images())
        assert output.cvm_logits.shape == (2, 5)
        assert output.measurements.shape == (2, 10)

    def test_stage_answers_never_contradict_each_other_whatever_was_learned(self):
        net = create_landmark_net("hrnet_w18_small", 1, cvm_stages=6)
        with torch.no_grad():
            net.stage_head.thresholds.copy_(torch.tensor([0.3, -2.0, 1.5, 0.0, 0.9]))
        assert (net(_images()).cvm_logits.diff(dim=-1) <= 0).all()

    def test_first_maps_are_near_zero_as_nearly_all_of_a_target_is(self):
        assert create_landmark_net("hrnet_w18_small", 19)(_images()).heatmaps.abs().max() < 0.1

    @pytest.mark.parametrize("backbone", ["swin_tiny_patch4_window7_224", "vit_tiny_patch16_224"])
    def test_transformers_give_maps_at_stride_4_as_well(self, backbone):
        net = create_landmark_net(backbone, 3)
        assert net(_images(224, 224)).heatmaps.shape == (2, 3, 56, 56)

    @pytest.mark.parametrize("backbone", ["hrnet_w18", "resnet34", "convnextv2_nano"])
    def test_larger_backbones_give_maps_at_stride_4_as_well(self, backbone):
        assert create_landmark_net(backbone, 2)(_images(64, 64)).heatmaps.shape == (2, 2, 16, 16)

    def test_net_for_three_channels_sees_a_grey_image_three_times_over(self):
        net = create_landmark_net("resnet18", 3, in_channels=3).eval()
        grey = _images()
        with torch.no_grad():
            torch.testing.assert_close(net(grey).heatmaps, net(grey.expand(-1, 3, -1, -1)).heatmaps)
            torch.testing.assert_close(
                net(grey.contiguous(memory_format=torch.channels_last)).heatmaps, net(grey).heatmaps, atol=1e-5, rtol=1e-3
            )

    def test_summed_colour_filters_answer_grey_images_as_three_channels_do(self):
        colour, grey = (create_landmark_net("resnet18", 3, in_channels=channels).eval() for channels in (3, 1))
        weights = colour.state_dict()
        first = "features.backbone.net.conv1.weight"
        grey.load_state_dict(weights | {first: weights[first].sum(dim=1, keepdim=True)})
        with torch.no_grad():
            torch.testing.assert_close(grey(_images()).heatmaps, colour(_images()).heatmaps, atol=1e-5, rtol=1e-3)

    def test_channels_last_changes_the_memory_and_not_the_answer(self):
        net = create_landmark_net("hrnet_w18_small", 5).eval()
        with torch.no_grad():
            expected = net(_images()).heatmaps
            net.to(memory_format=torch.channels_last)
            found = net(_images().contiguous(memory_format=torch.channels_last)).heatmaps
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)

    def test_heatmaps_are_single_precision_under_autocast(self):
        net = create_landmark_net("hrnet_w18_small", 5)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert net(_images()).heatmaps.dtype == torch.float32


class TestHighResolutionNeck:
    def test_branches_convolved_apart_equal_the_convolution_of_their_concatenation(self):
        features = create_landmark_net("hrnet_w18_small", 5).features.eval()
        with torch.no_grad():
            _, branches = features.backbone(_images())
            size = branches[0].shape[-2:]
            upsampled = [functional.interpolate(branch, size, mode="bilinear", align_corners=False) for branch in branches]
            weight = torch.cat([mixer.weight for mixer in features.neck.mixers], dim=1)
            expected = functional.conv2d(torch.cat(upsampled, dim=1), weight)
            expected = torch.relu(features.neck.norm(expected))
            torch.testing.assert_close(features.neck(branches, size), expected, atol=1e-4, rtol=1e-3)

    def test_branches_are_those_of_the_paper(self):
        backbone = create_landmark_net("hrnet_w18_small", 5).features.backbone
        assert [branch.stride for branch in backbone.branches] == [4, 8, 16, 32]
        assert [branch.channels for branch in backbone.branches] == [16, 32, 64, 128]
        assert backbone.stem.stride == 2


class TestLearning:
    @pytest.mark.parametrize("kind", ["cross_entropy", "combined"])
    def test_every_parameter_takes_part(self, kind):
        net = create_landmark_net("hrnet_w18_small", 3, cvm_stages=6, n_measurements=10, measured_maps=("linear", 2.0), stride=2)
        output = net(_images(seed=1))
        points = torch.full((2, 3, 2), 12.3)
        landmark = create_loss(kind, sigma=2.0)(output.heatmaps, points, torch.ones(2, 3, dtype=torch.bool)).total
        (landmark + output.cvm_logits.sum() + output.measurements.sum()).backward()
        idle = [name for name, parameter in net.named_parameters() if parameter.grad is None]
        assert idle == []

    def test_dropout_blurs_training_and_leaves_evaluation_alone(self):
        net = create_landmark_net("hrnet_w18_small", 3, dropout=0.5)
        net.features.eval()
        assert not torch.equal(net(_images()).heatmaps, net(_images()).heatmaps)
        net.eval()
        assert torch.equal(net(_images()).heatmaps, net(_images()).heatmaps)


class TestDropPath:
    @pytest.mark.parametrize("backbone", ["resnet18", "convnextv2_atto"])
    def test_training_skips_branches_at_random_and_evaluation_does_not(self, backbone):
        net = create_landmark_net(backbone, 3, drop_path=0.5)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.ones_(module.eval().weight)  # timm's residual branches start at zero
        answers = [net(_images()).heatmaps for _ in range(8)]
        assert not all(torch.equal(answer, answers[0]) for answer in answers)
        net.eval()
        assert torch.equal(net(_images()).heatmaps, net(_images()).heatmaps)

    def test_backbone_without_it_is_refused_with_what_to_do(self):
        with pytest.raises(ValueError, match=r"'hrnet_w18_small' has no drop-path: set `drop_path` to 0 and use `dropout`"):
            create_landmark_net("hrnet_w18_small", 3, drop_path=0.1)

    def test_backbone_that_swallows_the_setting_is_refused_too(self, monkeypatch):
        create = backbones.timm.create_model

        def deaf(name, *, drop_path_rate, **settings):
            return create(name, **settings)

        monkeypatch.setattr(backbones.timm, "create_model", deaf)
        with pytest.raises(ValueError, match="'resnet18' has no drop-path"):
            create_landmark_net("resnet18", 3, drop_path=0.1)


class TestRefused:
    def test_two_channels_are_neither_grey_nor_colour(self):
        with pytest.raises(ValueError, match="images have 2 channels; resnet18 accepts 3, or grey images"):
            create_landmark_net("resnet18", 19, in_channels=3)(_images(channels=2))

    def test_misspelt_backbone_is_answered_with_the_nearest_names(self):
        with pytest.raises(UnknownBackboneError, match=r"'hrnet_w18_smal', .*Did you mean 'hrnet_w18_small'"):
            create_landmark_net("hrnet_w18_smal", 19)

    def test_name_like_no_other_is_answered_with_where_to_look(self):
        with pytest.raises(UnknownBackboneError, match=r"timm\.list_models"):
            create_landmark_net("§§§", 19)

    def test_model_without_feature_maps_is_refused(self, monkeypatch):
        def no_features(name, **settings):
            raise RuntimeError("features_only not implemented")

        monkeypatch.setattr(backbones.timm, "create_model", no_features)
        with pytest.raises(UnknownBackboneError, match=r"'resnet18' provides no feature maps \(features_only not"):
            create_landmark_net("resnet18", 19)

    @pytest.mark.parametrize("stride", [1, 3, 16])
    def test_stride_without_a_head_is_refused(self, stride):
        with pytest.raises(ValueError, match=r"expected one of \(2, 4, 8\)"):
            create_landmark_net("resnet18", 19, stride=stride)

    def test_image_sides_must_be_multiples_of_the_coarsest_stride(self):
        with pytest.raises(ValueError, match=r"64 × 100 px .* multiples of 32"):
            create_landmark_net("hrnet_w18_small", 19)(_images(64, 100))

    @pytest.mark.parametrize("numbers", [{"n_landmarks": 0}, {"cvm_stages": 1}, {"n_measurements": -1}])
    def test_numbers_of_outputs_must_make_sense(self, numbers):
        with pytest.raises(ValueError, match="expected at least 1 landmark"):
            create_landmark_net("resnet18", **({"n_landmarks": 19} | numbers))

    def test_measurements_need_the_maps_that_they_are_read_off(self):
        with pytest.raises(ValueError, match="10 measurements without `measured_maps`"):
            create_landmark_net("resnet18", 19, n_measurements=10)


def blobs(points, size=(64, 48)):
    """Maps that peak at points `(N, K, 2)`."""
    return encode(torch.as_tensor(points, dtype=torch.float32), size, 2.0)


class TestDistanceHead:
    POINTS = torch.tensor([[[12.0, 14.0], [34.0, 12.0], [30.0, 50.0], [15.5, 40.25]]])

    @pytest.fixture
    def head(self):
        torch.manual_seed(0)
        return DistanceHead(4, 3, "linear", 2.0).eval()

    def test_answers_are_the_same_for_a_face_turned_moved_or_mirrored(self, head):
        turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
        centred = self.POINTS - self.POINTS.mean(dim=1, keepdim=True)
        changed = [centred @ turn + 30, self.POINTS + 2, self.POINTS * torch.tensor([-1.0, 1.0]) + torch.tensor([47.0, 0.0])]
        expected = head(blobs(self.POINTS, (64, 64)))
        for points in changed:
            torch.testing.assert_close(head(blobs(points, (64, 64))), expected, atol=2e-3, rtol=0)

    def test_a_larger_face_is_told_from_a_smaller_one(self, head):
        assert (head(blobs(self.POINTS * 1.2, (72, 72))) - head(blobs(self.POINTS, (72, 72)))).abs().max() > 0.05

    def test_nothing_is_passed_back_to_the_maps(self, head):
        maps = blobs(self.POINTS).requires_grad_()
        head(maps).sum().backward()
        assert maps.grad is None
        assert head.values.weight.grad.abs().sum() > 0

    def test_a_distance_is_learned_from_few_films(self, head):
        rng = torch.Generator().manual_seed(0)
        points = self.POINTS + 3 * torch.randn(40, 4, 2, generator=rng)
        wanted = ((points[:, 0] - points[:, 2]).norm(dim=-1) - 40) / 5
        optimiser = torch.optim.Adam(head.parameters(), lr=0.1)
        maps = blobs(points)
        for _ in range(300):
            optimiser.zero_grad()
            (head(maps)[:, 0] - wanted).square().mean().backward()
            optimiser.step()
        assert (head(maps)[:, 0] - wanted).abs().mean() < 0.2 * wanted.std()


def test_a_pixel_of_stride_8_lies_where_the_four_it_covers_do():
    net = create_landmark_net("resnet18", 1, stride=8)
    fine = blobs([[[10.5, 20.5]]])
    assert decode(net.coarsen(fine), sigma=1.0).xy[0, 0].tolist() == pytest.approx([5.0, 10.0], abs=0.02)


def test_a_transformer_of_one_input_size_says_which():
    net = create_landmark_net("vit_tiny_patch16_224", 3)
    with pytest.raises(ValueError, match=r"images are 256 × 320 px .* vit_tiny_patch16_224 accepts 224 × 224 px only"):
        net(torch.zeros(1, 1, 256, 320))
    assert net(torch.zeros(1, 1, 224, 224)).heatmaps.shape == (1, 3, 56, 56)

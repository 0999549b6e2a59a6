"""The crop network: one net for all landmarks that knows which one it is asked for."""

import pytest
import torch

from ceph_pipeline.models import create_refinement_net


def _crops(count: int = 3, side: int = 64) -> torch.Tensor:
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(0))


class TestOutputs:
    @pytest.mark.parametrize("backbone", ["hrnet_w18_small", "resnet18", "convnextv2_atto"])
    @pytest.mark.parametrize("stride", [2, 4])
    def test_each_crop_gets_one_map_at_the_stride_asked_for(self, backbone, stride):
        maps = create_refinement_net(backbone, 19, stride=stride)(_crops(), torch.tensor([0, 7, 18]))
        assert maps.shape == (3, 1, 64 // stride, 64 // stride)

    def test_first_maps_are_near_zero(self):
        assert create_refinement_net("hrnet_w18_small", 19)(_crops(), torch.tensor([0, 7, 18])).abs().max() < 0.1

    def test_map_is_single_precision_under_autocast(self):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            maps = create_refinement_net("hrnet_w18_small", 19)(_crops(), torch.tensor([0, 7, 18]))
        assert maps.dtype == torch.float32


class TestCondition:
    @pytest.mark.parametrize("stride", [2, 4])
    def test_same_crop_gives_another_map_for_another_landmark(self, stride):
        net = create_refinement_net("hrnet_w18_small", 19, stride=stride).eval()
        crop = _crops(1).expand(2, -1, -1, -1)
        with torch.no_grad():
            first, second = net(crop, torch.tensor([3, 4]))
            again, _ = net(crop, torch.tensor([3, 3]))
        assert not torch.allclose(first, second)
        torch.testing.assert_close(first, again)

    def test_answer_for_a_crop_does_not_depend_on_its_batch(self):
        net, landmarks = create_refinement_net("hrnet_w18_small", 19).eval(), torch.tensor([2, 11, 5])
        with torch.no_grad():
            together = net(_crops(), landmarks)
            alone = torch.cat([net(crop[None], landmark[None]) for crop, landmark in zip(_crops(), landmarks, strict=True)])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-3)

    def test_only_the_landmarks_asked_for_learn(self):
        net = create_refinement_net("hrnet_w18_small", 19)
        net(_crops(), torch.tensor([2, 11, 5])).square().sum().backward()
        for embedding in (net.rows, net.film, net.biases):
            learned = embedding.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist()
            assert learned == [2, 5, 11]


class TestRefused:
    def test_one_landmark_index_a_crop_is_required(self):
        with pytest.raises(ValueError, match="3 crops with landmarks of shape \\(2,\\)"):
            create_refinement_net("hrnet_w18_small", 19)(_crops(), torch.tensor([0, 1]))

    def test_net_without_landmarks_is_refused(self):
        with pytest.raises(ValueError, match="expected at least 1"):
            create_refinement_net("hrnet_w18_small", 0)

    def test_unknown_stride_is_refused(self):
        with pytest.raises(ValueError, match="heatmap stride is 1"):
            create_refinement_net("hrnet_w18_small", 19, stride=1)

"""Parameters and operations are counted as they are on paper."""

import re

import pytest
import torch
from torch import nn

from ceph_pipeline.models import count_flops, count_parameters, create_landmark_net, create_refinement_net, describe_net


def test_operations_of_a_convolution_are_two_for_each_multiply_add():
    convolution = nn.Conv2d(3, 8, 3, padding=1)
    assert count_flops(convolution, torch.zeros(1, 3, 16, 16)) == 2 * 8 * 16 * 16 * 3 * 9


def test_four_times_the_pixels_are_four_times_the_operations():
    net = create_landmark_net("hrnet_w18_small", 19)
    assert count_flops(net, torch.zeros(1, 1, 128, 128)) == pytest.approx(4 * count_flops(net, torch.zeros(1, 1, 64, 64)))


def test_counting_leaves_the_net_as_it_was():
    net = create_landmark_net("resnet18", 3).train()
    before = net.features.backbone.net.bn1.running_mean.clone()
    count_flops(net, torch.zeros(1, 1, 64, 64))
    assert net.training
    assert torch.equal(net.features.backbone.net.bn1.running_mean, before)


def test_crop_net_is_counted_with_the_landmark_it_is_asked_for():
    net = create_refinement_net("resnet18", 3)
    crop = count_flops(net, torch.zeros(1, 1, 64, 64), torch.zeros(1, dtype=torch.int64))
    assert 1e8 < crop < 5e9


def test_small_net_has_the_published_order_of_parameters():
    assert count_parameters(create_landmark_net("hrnet_w18_small", 19)) == pytest.approx(1.5e6, rel=0.02)


@pytest.mark.parametrize("create", [create_landmark_net, create_refinement_net])
def test_net_in_words(create):
    words = describe_net(create("resnet18", 19), (64, 32))
    assert re.fullmatch(r"resnet18, 1\d\.\d million parameters, 0\.\d GFLOP for 64 × 32 px", words)


def test_a_counted_net_still_measures():
    """Counting computes nothing: no tensor of it may stay behind in what decoding keeps."""
    net = create_landmark_net("resnet18", 4, n_measurements=2, measured_maps=("linear", 3.7)).eval()
    image = torch.zeros(1, 1, 64, 64)
    count_flops(net, image)
    assert net(image).measurements.isfinite().all().item()


def test_counting_operations_leaves_the_mode_of_each_module():
    net = create_landmark_net("resnet18", 3).train()
    net.features.backbone.eval()
    modes = [module.training for module in net.modules()]
    count_flops(net, torch.zeros(1, 1, 64, 64))
    assert [module.training for module in net.modules()] == modes

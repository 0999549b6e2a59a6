"""Depthwise convolutions compute in float32 on a processor, and are otherwise what they were."""

import copy

import pytest
import timm
import torch

from ceph_pipeline.models import create_landmark_net
from ceph_pipeline.models.depthwise import DepthwiseConv2d, DepthwiseConv2dSame

DEPTHWISE = (DepthwiseConv2d, DepthwiseConv2dSame)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return create_landmark_net("tf_efficientnet_lite0", 3)


def _dtypes(net, images, *, autocast):
    """What each convolution of the backbone answers in, by whether it is depthwise."""
    seen = {True: set(), False: set()}
    hooks = [
        module.register_forward_hook(lambda module, _, output: seen[isinstance(module, DEPTHWISE)].add(output.dtype))
        for module in net.backbone.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        net(images).heatmaps.sum().backward()
    for hook in hooks:
        hook.remove()
    return seen


def test_only_they_stay_in_float32_under_autocast(net):
    images = torch.randn(1, 1, 64, 64)
    assert _dtypes(net, images, autocast=True) == {True: {torch.float32}, False: {torch.bfloat16}}
    assert _dtypes(copy.deepcopy(net), images, autocast=True)[True] == {torch.float32}
    assert _dtypes(net, images, autocast=False) == {True: {torch.float32}, False: {torch.float32}}


def test_features_and_keys_are_those_of_the_plain_backbone(net):
    plain = timm.create_model("tf_efficientnet_lite0", features_only=True, in_chans=1).eval()
    plain.load_state_dict(net.backbone.state_dict())
    images = torch.randn(1, 1, 64, 64)
    for found, expected in zip(net.eval().backbone(images), plain(images), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_backbones_without_them_keep_their_convolutions():
    assert not any(isinstance(module, DEPTHWISE) for module in create_landmark_net("resnet18", 3).modules())

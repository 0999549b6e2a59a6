"""Targets that are too narrow to decode, or too wide to tell images apart, are refused before anything is trained."""

import pytest
import torch
from pydantic import ValidationError

from ceph_pipeline.heatmaps import decode, encode
from ceph_pipeline.training.params import LossParams, NetParams, Stage1Params


def decoding_error(sigma):
    """Mean distance in heatmap px between random points and what is decoded from their targets under 2 % noise."""
    generator = torch.Generator().manual_seed(0)
    points = 15 + 2 * torch.rand(1, 256, 2, generator=generator)
    maps = encode(points, (32, 32), sigma)
    noisy = maps + 0.02 * torch.randn(maps.shape, generator=generator)
    return float(torch.linalg.vector_norm(decode(noisy, sigma=sigma).xy - points, dim=-1).mean())


def test_the_narrowest_target_allowed_decodes_to_a_tenth_of_a_pixel_and_narrower_ones_do_not():
    assert decoding_error(0.7) < 0.1
    assert decoding_error(0.6) > 0.2
    LossParams(sigma_px=0.7)
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.7"):
        LossParams(sigma_px=0.6)


def test_a_target_wider_than_landmarks_move_is_refused_with_the_widest_allowed():
    net = NetParams(input_width_px=128, input_height_px=160)
    Stage1Params(net=net, loss=LossParams(sigma_px=4))
    with pytest.raises(ValidationError, match=r"sigma_px is 8, which is 32 px of an input of 128 px.*at most 4"):
        Stage1Params(net=net, loss=LossParams(sigma_px=8))


@pytest.mark.parametrize("sigma", [2.0, 3.0])
def test_the_usual_targets_fit_the_usual_input(sigma):
    Stage1Params(net=NetParams(input_width_px=512, input_height_px=512), loss=LossParams(sigma_px=sigma))

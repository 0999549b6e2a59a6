"""Heatmaps from logits: what a loss taught them to be decides how they are read."""

import math

import pytest
import torch

from ceph_pipeline.heatmaps import decode, encode, spatial_moments, to_heatmaps

POINT = torch.tensor([[[20.3, 11.8]]])


def _log_gaussian(sigma: float) -> torch.Tensor:
    return encode(POINT, (32, 48), sigma).clamp_min(1e-30).log()


class TestMoments:
    def test_mean_and_spread_of_a_gaussian_are_its_centre_and_deviation(self):
        moments = spatial_moments(_log_gaussian(2.0))
        torch.testing.assert_close(moments.mean, POINT, atol=1e-3, rtol=0)
        torch.testing.assert_close(moments.sd, torch.full((1, 1, 2), 2.0), atol=1e-2, rtol=0)

    def test_mean_of_flat_maps_is_their_middle(self):
        assert spatial_moments(torch.zeros(1, 1, 5, 9)).mean.tolist() == [[[4.0, 2.0]]]

    def test_maps_in_0_to_1_taken_for_logits_are_drawn_to_the_middle_by_tens_of_pixels(self):
        """Why a heatmap is not read by a global soft-argmax: its background, exp(0) = 1 a pixel, outweighs the peak."""
        points = torch.tensor([[[100.0, 30.0]]])
        mean = spatial_moments(encode(points, (128, 128), 2.0)).mean
        assert (mean - points).norm().item() > 35


class TestActivations:
    def test_linear_logits_are_heatmaps(self):
        maps = torch.randn(1, 2, 4, 4)
        assert to_heatmaps(maps, "linear", 2.0) is maps

    def test_softmax_of_the_target_gaussian_peaks_at_one(self):
        assert to_heatmaps(_log_gaussian(1.5), "softmax", 1.5).max().item() == pytest.approx(
            encode(POINT, (32, 48), 1.5).max().item(), rel=1e-3
        )

    def test_integral_decodes_to_the_mean_whatever_the_distributions_shape(self):
        two_peaks = torch.full((1, 1, 32, 48), -20.0)
        two_peaks[0, 0, 10, 15], two_peaks[0, 0, 14, 24] = 5.0, 5.0 + math.log(2)
        expected = torch.tensor([[[15 + 9 * 2 / 3, 10 + 4 * 2 / 3]]])
        found = decode(to_heatmaps(two_peaks, "integral", 2.0))
        assert (found.xy - expected).abs().max().item() < 0.02

    @pytest.mark.parametrize(("spread", "score"), [(1.0, 1.0), (2.0, 1.0), (4.0, 0.25)])
    def test_integral_is_sure_where_the_distribution_is_no_wider_than_the_target(self, spread, score):
        centred = encode(torch.tensor([[[24.0, 16.0]]]), (33, 49), spread).clamp_min(1e-30).log()
        assert decode(to_heatmaps(centred, "integral", 2.0)).score.item() == pytest.approx(score, rel=0.02)

    @pytest.mark.parametrize("activation", ["softmax", "integral"])
    def test_half_precision_logits_are_read_in_single(self, activation):
        assert to_heatmaps(_log_gaussian(2.0).bfloat16(), activation, 2.0).dtype == torch.float32

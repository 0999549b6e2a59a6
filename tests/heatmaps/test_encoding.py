"""Heatmaps are unbiased Gaussians at sub-pixel positions."""

import math

import pytest
import torch

from ceph_pipeline.heatmaps import encode


class TestValidPoints:
    def test_map_is_the_gaussian_of_the_distance_to_the_sub_pixel_centre(self):
        heatmap = encode(torch.tensor([[[12.3, 7.8]]]), size=(20, 30), sigma=2.0)[0, 0]
        for x, y in ((12, 8), (0, 0), (29, 19), (13, 5)):
            squared = (x - 12.3) ** 2 + (y - 7.8) ** 2
            assert heatmap[y, x].item() == pytest.approx(math.exp(-squared / 8), rel=1e-4)

    def test_peak_is_one_on_a_whole_pixel_and_one_sigma_away_falls_to_exp_minus_a_half(self):
        heatmap = encode(torch.tensor([[[10.0, 6.0]]]), size=(16, 24), sigma=3.0)[0, 0]
        assert heatmap.max().item() == heatmap[6, 10].item() == 1.0
        assert heatmap[6, 13].item() == pytest.approx(math.exp(-0.5), rel=1e-6)

    def test_sum_is_the_gaussian_integral(self):
        heatmap = encode(torch.tensor([[[31.7, 30.2]]]), size=(64, 64), sigma=2.5)
        assert heatmap.sum().item() == pytest.approx(2 * math.pi * 2.5**2, rel=1e-4)

    def test_missing_landmark_has_a_zero_map_and_leaves_its_neighbours_alone(self):
        points = torch.tensor([[[5.0, 5.0], [math.nan, math.nan]], [[math.nan, 3.0], [2.0, 2.0]]])
        heatmaps = encode(points, size=(8, 8), sigma=1.5)
        assert heatmaps[0, 1].count_nonzero() == 0
        assert heatmaps[1, 0].count_nonzero() == 0
        assert heatmaps[0, 0].max() == heatmaps[1, 1].max() == 1.0

    def test_landmark_outside_the_map_leaves_only_its_tail(self):
        heatmap = encode(torch.tensor([[[-3.0, 4.0]]]), size=(8, 8), sigma=2.0)[0, 0]
        assert heatmap.argmax().item() == 4 * 8
        assert heatmap.max().item() == pytest.approx(math.exp(-9 / 8), rel=1e-5)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.int64])
    def test_maps_are_float32_whatever_the_points(self, dtype):
        assert encode(torch.ones(1, 1, 2, dtype=dtype), size=(4, 4), sigma=1.0).dtype == torch.float32

    def test_shape_is_images_landmarks_height_width(self):
        assert encode(torch.zeros(2, 29, 2), size=(8, 12), sigma=1.0).shape == (2, 29, 8, 12)


class TestInvalidPoints:
    def test_points_without_an_image_axis_are_refused_with_their_shape(self):
        with pytest.raises(ValueError, match=r"\(29, 2\), expected \(N, K, 2\)"):
            encode(torch.zeros(29, 2), size=(8, 8), sigma=1.0)

    @pytest.mark.parametrize("size", [(0, 8), (8, -1)])
    def test_empty_maps_are_refused(self, size):
        with pytest.raises(ValueError, match="at least 1 px"):
            encode(torch.zeros(1, 1, 2), size=size, sigma=1.0)

    @pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
    def test_sigma_must_be_above_zero(self, sigma):
        with pytest.raises(ValueError, match="above 0"):
            encode(torch.zeros(1, 1, 2), size=(8, 8), sigma=sigma)

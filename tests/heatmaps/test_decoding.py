"""Points come back from heatmaps with the precision that each method promises."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ceph_pipeline.heatmaps import decode, encode

METHODS = ("dark", "argmax", "quarter", "soft")


def _random_points(seed: int, images: int = 16, landmarks: int = 29) -> torch.Tensor:
    """Points on 128 × 128 maps, away from the border."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(images, landmarks, 2, generator=generator) * 100 + 14


def _mean_error(points: torch.Tensor, method: str, sigma: float = 2.0, noise: float = 0.0) -> float:
    heatmaps = encode(points, size=(128, 128), sigma=sigma)
    heatmaps = heatmaps + noise * torch.randn(heatmaps.shape, generator=torch.Generator().manual_seed(0))
    return (decode(heatmaps, method, sigma).xy - points).norm(dim=-1).mean().item()


class TestPrecision:
    def test_gaussian_at_12_3_and_7_8_comes_back_within_a_hundredth_of_a_pixel(self):
        point = torch.tensor([[[12.3, 7.8]]])
        found = decode(encode(point, size=(24, 32), sigma=2.0), "dark", sigma=2.0)
        assert (found.xy - point).norm().item() < 0.01

    @pytest.mark.parametrize(("method", "error"), [("argmax", 0.39), ("quarter", 0.19)])
    def test_mean_error_on_clean_maps_is_the_published_one(self, method, error):
        assert _mean_error(_random_points(seed=1), method) == pytest.approx(error, abs=0.01)

    @pytest.mark.parametrize(("sigma", "error"), [(1.5, 0.002), (2.0, 0.001), (3.0, 0.001)])
    def test_dark_is_within_thousandths_of_a_pixel_on_clean_maps(self, sigma, error):
        assert _mean_error(_random_points(seed=2), "dark", sigma) < error

    def test_soft_is_within_two_hundredths_of_a_pixel_on_clean_maps(self):
        assert _mean_error(_random_points(seed=3), "soft") < 0.02

    def test_dark_is_the_most_precise_on_noisy_maps(self):
        errors = {method: _mean_error(_random_points(seed=4), method, noise=0.05) for method in METHODS}
        assert min(errors, key=errors.get) == "dark"
        assert errors["dark"] < 0.07

    @pytest.mark.parametrize("method", METHODS)
    def test_height_and_width_are_not_confused(self, method):
        point = torch.tensor([[[40.0, 8.0]]])
        found = decode(encode(point, size=(16, 64), sigma=2.0), method)
        assert found.xy[0, 0].tolist() == pytest.approx([40.0, 8.0], abs=1e-3)

    @given(x=st.floats(8, 40), y=st.floats(8, 24), scale=st.floats(0.01, 100))
    @settings(max_examples=30, deadline=None)
    def test_dark_does_not_depend_on_the_maps_scale(self, x, y, scale):
        heatmap = encode(torch.tensor([[[x, y]]]), size=(32, 48), sigma=2.0)
        assert (decode(scale * heatmap).xy - decode(heatmap).xy).abs().max().item() < 1e-3

    @given(x=st.floats(8, 40), y=st.floats(8, 24))
    @settings(max_examples=30, deadline=None)
    def test_flipping_the_map_flips_the_point(self, x, y):
        heatmap = encode(torch.tensor([[[x, y]]]), size=(32, 48), sigma=2.0)
        flipped = decode(heatmap.flip(-1)).xy
        assert flipped[..., 0].item() == pytest.approx(47 - decode(heatmap).xy[..., 0].item(), abs=1e-3)


class TestScoreAndTypes:
    @pytest.mark.parametrize("method", METHODS)
    def test_score_is_the_peaks_value(self, method):
        heatmaps = encode(torch.tensor([[[10.0, 10.0], [5.0, 6.0]]]), size=(16, 16), sigma=2.0)
        heatmaps[0, 1] *= 0.25
        assert decode(heatmaps, method).score.tolist() == [[1.0, 0.25]]

    @pytest.mark.parametrize(("given", "answered"), [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)])
    def test_points_are_float32_or_better(self, given, answered):
        points = decode(encode(torch.full((1, 1, 2), 8.0), size=(16, 16), sigma=2.0).to(given))
        assert points.xy.dtype == points.score.dtype == answered
        assert points.xy[0, 0].tolist() == pytest.approx([8.0, 8.0], abs=0.02)

    def test_mixed_precision_training_does_not_blunt_the_decoder(self):
        points = _random_points(seed=5, images=1)
        heatmaps = encode(points, size=(128, 128), sigma=2.0)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = decode(heatmaps)
        assert (found.xy - points).abs().max().item() < 0.002

    def test_gradients_do_not_flow_through_decoding(self):
        heatmaps = encode(torch.full((1, 1, 2), 8.0), size=(16, 16), sigma=2.0).requires_grad_()
        assert not decode(heatmaps, "soft").xy.requires_grad


class TestDegenerateMaps:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
    def test_flat_map_gives_a_finite_point_and_its_value_as_score(self, method, value):
        points = decode(torch.full((1, 2, 16, 16), value), method)
        assert points.xy.isfinite().all()
        assert points.score.tolist() == [[value, value]]

    @pytest.mark.parametrize(("method", "distance"), [("dark", 0.0), ("argmax", 0.0), ("quarter", 0.0), ("soft", 1.3)])
    @pytest.mark.parametrize("corner", [(0.0, 0.0), (15.0, 0.0), (0.0, 11.0), (15.0, 11.0)])
    def test_peak_in_a_corner_stays_there(self, method, distance, corner):
        found = decode(encode(torch.tensor([[corner]]), size=(12, 16), sigma=2.0), method)
        assert (found.xy[0, 0] - torch.tensor(corner)).norm().item() <= distance

    def test_peak_beside_the_border_is_shifted_by_a_quarter(self):
        found = decode(encode(torch.tensor([[[1.3, 8.3]]]), size=(16, 16), sigma=2.0))
        assert found.xy[0, 0].tolist() == [1.25, 8.25]

    @pytest.mark.parametrize("method", METHODS)
    def test_single_hot_pixel_is_found(self, method):
        heatmap = torch.zeros(1, 1, 16, 16)
        heatmap[0, 0, 5, 9] = 1.0
        assert decode(heatmap, method).xy[0, 0].tolist() == pytest.approx([9.0, 5.0], abs=0.05)

    def test_ridge_without_a_peak_along_it_moves_nowhere_far(self):
        ridge = encode(torch.tensor([[[8.3, 8.0]]]), size=(17, 17), sigma=2.0)[..., 8:9, :].expand(1, 1, 17, 17)
        found = decode(ridge)
        assert (found.xy[0, 0] - torch.tensor([8.0, 0.0])).abs().max().item() <= 4.0


class TestInvalidMaps:
    def test_three_dimensional_maps_are_refused_with_their_shape(self):
        with pytest.raises(ValueError, match=r"\(29, 8, 8\), expected 4 dimensions"):
            decode(torch.zeros(29, 8, 8))

    def test_maps_without_neighbours_are_refused(self):
        with pytest.raises(ValueError, match="at least 3 × 3"):
            decode(torch.zeros(1, 1, 2, 8))

    def test_unknown_method_is_refused_with_those_there_are(self):
        with pytest.raises(ValueError, match="'centroid', expected one of dark, argmax, quarter, soft"):
            decode(torch.zeros(1, 1, 8, 8), method="centroid")

    def test_sigma_must_be_above_zero(self):
        with pytest.raises(ValueError, match="above 0"):
            decode(torch.zeros(1, 1, 8, 8), sigma=math.nan)


@pytest.mark.parametrize("method", ["dark", "argmax", "quarter", "soft"])
def test_a_map_that_holds_nan_has_no_point_and_its_neighbours_keep_theirs(method):
    maps = encode(torch.tensor([[[5.0, 6.0], [7.0, 8.0]]]), (16, 16), 2.0)
    maps[0, 0, 3, 3] = torch.nan
    found = decode(maps, method)
    assert found.xy[0, 0].isnan().all()
    assert found.score[0, 0].isnan()
    assert torch.allclose(found.xy[0, 1], torch.tensor([7.0, 8.0]), atol=0.3)

"""The combined loss: two terms of the same order."""

import math

import pytest
import torch

from ceph_pipeline.heatmaps import encode
from ceph_pipeline.losses import CombinedLoss

SIZE = (64, 64)


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _targets(seed: int = 1) -> torch.Tensor:
    return torch.rand(2, 19, 2, generator=torch.Generator().manual_seed(seed)) * 32 + 16


def _shifted(points: torch.Tensor, by: float, noise: float = 0.0) -> torch.Tensor:
    heatmaps = encode(points + by * _random(*points.shape), SIZE, sigma=2.0)
    return heatmaps + noise * _random(*heatmaps.shape, seed=2)


class TestTerms:
    def test_empty_map_costs_one_in_the_heatmap_term(self):
        dark, _ = CombinedLoss().terms(torch.zeros(1, 1, *SIZE), torch.full((1, 1, 2), 30.0))
        assert dark.item() == pytest.approx(1.0)

    def test_one_pixel_off_along_an_axis_costs_one_in_the_coordinate_term(self):
        target = torch.tensor([[[30.0, 30.0]]])
        _, wing = CombinedLoss().terms(encode(target + torch.tensor([1.0, 0.0]), SIZE, sigma=2.0), target)
        assert wing.item() == pytest.approx(1.0, abs=0.01)

    def test_perfect_maps_cost_next_to_nothing(self):
        points = _targets()
        assert CombinedLoss()(encode(points, SIZE, sigma=2.0), points).item() < 0.03

    def test_coordinates_come_from_around_the_peak_and_not_from_the_whole_map(self):
        target = torch.tensor([[[16.0, 16.0]]])
        heatmap = encode(target, SIZE, sigma=2.0)
        heatmap[..., 40:, 40:] += 0.3
        _, wing = CombinedLoss().terms(heatmap, target)
        assert wing.item() < 0.01

    def test_total_weighs_the_terms_and_ramps_the_coordinates(self):
        loss, points = CombinedLoss(dark_weight=0.7, wing_weight=0.2), _targets()
        heatmaps = _shifted(points, by=1.0)
        dark, wing = loss.terms(heatmaps, points)
        assert loss(heatmaps, points).item() == pytest.approx((0.7 * dark + 0.2 * wing).item(), rel=1e-5)
        assert loss(heatmaps, points, ramp=0.5).item() == pytest.approx((0.7 * dark + 0.1 * wing).item(), rel=1e-5)

    def test_target_heatmaps_say_the_same_as_their_points(self):
        loss, points = CombinedLoss(), _targets()
        heatmaps = _shifted(points, by=1.0)
        assert loss(heatmaps, encode(points, SIZE, 2.0)).item() == pytest.approx(loss(heatmaps, points).item(), abs=2e-3)

    def test_missing_landmark_has_no_part_in_either_term(self):
        loss, points = CombinedLoss(), _targets()
        mask = torch.ones(points.shape[:2], dtype=torch.bool)
        mask[0, 3] = False
        hidden = points.clone()
        hidden[0, 3] = math.nan
        heatmaps = _shifted(points, by=1.0).requires_grad_()
        loss(heatmaps, hidden, mask).backward()
        assert heatmaps.grad.isfinite().all()
        assert heatmaps.grad[0, 3].abs().sum() == 0


class TestBalance:
    @pytest.mark.parametrize(
        "heatmaps",
        [
            pytest.param(lambda _: 0.003 * _random(2, 19, *SIZE), id="untrained"),
            pytest.param(lambda points: 0.3 * _shifted(points, by=2.0, noise=0.03), id="faint"),
            pytest.param(lambda points: _shifted(points, by=3.0), id="3 px off"),
            pytest.param(lambda points: _shifted(points, by=1.0), id="1 px off"),
            pytest.param(lambda points: _shifted(points, by=0.5, noise=0.01), id="half a pixel off, noisy"),
        ],
    )
    def test_far_from_the_truth_the_gradients_of_the_two_terms_are_within_one_to_ten(self, heatmaps):
        points = _targets()
        maps = heatmaps(points).requires_grad_()
        dark, wing = CombinedLoss().terms(maps, points)
        (from_dark,), (from_wing,) = (torch.autograd.grad(term, maps, retain_graph=True) for term in (dark, wing))
        assert 0.1 < (from_wing.norm() / from_dark.norm()).item() < 10

    @pytest.mark.parametrize(("sigma", "off", "expected"), [(2.0, 1.0, 7.3), (2.0, 0.5, 16.0), (3.0, 0.5, 36.0)])
    def test_near_the_truth_the_coordinate_term_leads_by_as_much_as_documented(self, sigma, off, expected):
        """docs/networks.md: the ratio of the gradients on clean maps grows as σ² over the distance."""
        generator = torch.Generator().manual_seed(0)
        points = 32 + 64 * torch.rand(2, 16, 2, generator=generator)
        angles = 2 * torch.pi * torch.rand(2, 16, 1, generator=generator)
        shift = off * torch.cat([angles.cos(), angles.sin()], dim=-1)
        maps = encode(points + shift, (128, 128), sigma).requires_grad_()
        terms = CombinedLoss(sigma=sigma).terms(maps, points)
        dark, wing = (torch.autograd.grad(term, maps, retain_graph=True)[0].norm() for term in terms)
        assert (wing / dark).item() == pytest.approx(expected, rel=0.15)

    def test_descending_the_loss_moves_a_misplaced_peak_onto_the_target(self):
        target = torch.tensor([[[15.0, 15.0]]])
        maps, loss = encode(target + 2.0, (32, 32), sigma=2.0), CombinedLoss()
        for _ in range(100):
            maps.requires_grad_()
            (gradient,) = torch.autograd.grad(loss(maps, target), maps)
            maps = maps.detach() - gradient
        dark, wing = loss.terms(maps, target)
        assert dark.item() < 0.05
        assert wing.item() < 0.2


class TestNumerics:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_dtype_is_kept(self, dtype):
        points = _targets()
        assert CombinedLoss()(_shifted(points, by=1.0).to(dtype), points.to(dtype)).dtype == dtype

    def test_gradient_is_that_of_finite_differences(self):
        points = torch.tensor([[[5.3, 6.2]]], dtype=torch.float64)
        maps = (encode(points + 0.8, (12, 12), sigma=1.5) + 0.02 * _random(1, 1, 12, 12)).double().requires_grad_()
        assert torch.autograd.gradcheck(lambda heatmaps: CombinedLoss(sigma=1.5)(heatmaps, points), maps)

    @pytest.mark.parametrize("weights", [(-0.1, 0.5), (0.5, -1.0), (0.0, 0.0)])
    def test_weights_that_weigh_nothing_are_refused(self, weights):
        with pytest.raises(ValueError, match="none below 0 and one above it"):
            CombinedLoss(*weights)

"""Every landmark loss under one signature."""

import math
from typing import get_args

import pytest
import torch

from ceph_pipeline.heatmaps import decode, encode, to_heatmaps
from ceph_pipeline.losses import LossKind, create_loss

KINDS = get_args(LossKind)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(2, 5, 2, generator=generator) * 20 + 6
    points[1, 4] = math.nan
    logits = 0.1 * torch.randn(2, 5, 32, 32, generator=generator)
    return logits, points, points.isfinite().all(-1)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_costs_less_at_the_truth_than_elsewhere(self, kind, batch):
        logits, points, mask = batch
        loss = create_loss(kind, sigma=1.5)
        truth = encode(points, (32, 32), 1.5)
        perfect = truth if loss.activation == "linear" else truth.clamp_min(1e-20).log()
        assert loss(perfect, points, mask).total < 0.6 * loss(logits, points, mask).total

    def test_missing_landmark_has_no_gradient(self, kind, batch):
        logits, points, mask = batch
        logits.requires_grad_()
        create_loss(kind, sigma=1.5)(logits, points, mask).total.backward()
        assert logits.grad.isfinite().all()
        assert logits.grad[1, 4].abs().sum() == 0

    def test_batch_without_a_visible_landmark_costs_nothing(self, kind, batch):
        logits, points, mask = batch
        assert create_loss(kind, sigma=1.5)(logits, points, torch.zeros_like(mask)).total.item() == 0.0

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_logits_are_summed_in_single(self, kind, batch, dtype):
        logits, points, mask = batch
        assert create_loss(kind, sigma=1.5)(logits.to(dtype), points, mask).total.dtype == torch.float32

    def test_terms_are_for_the_log_only(self, kind, batch):
        logits, points, mask = batch
        terms = create_loss(kind, sigma=1.5)(logits.requires_grad_(), points, mask).terms
        assert terms
        assert not any(term.requires_grad for term in terms.values())


@pytest.mark.parametrize(("kind", "cost"), [("wing", 10 * math.log(2.5)), ("smooth_l1", 2.5), ("mse", 9.0)])
class TestRegression:
    """Losses on coordinates see the mean of the softmax, in heatmap px."""

    def test_three_pixels_off_cost_what_they_cost_on_paper(self, kind, cost):
        logits = encode(torch.tensor([[[16.0, 14.0]]]), (32, 32), 1.5).clamp_min(1e-20).log()
        result = create_loss(kind, sigma=1.5)(logits, torch.tensor([[[13.0, 14.0]]]), torch.ones(1, 1, dtype=torch.bool))
        assert result.total.item() == pytest.approx(cost, rel=1e-3)

    def test_gradient_is_that_of_finite_differences(self, kind, cost):
        logits = torch.randn(1, 2, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
        points, mask = torch.tensor([[[1.2, 3.1], [9.0, 9.0]]], dtype=torch.float64), torch.tensor([[True, False]])
        loss = create_loss(kind, sigma=1.5)
        assert torch.autograd.gradcheck(lambda maps: loss(maps, points, mask).total, logits)

    def test_mixed_precision_does_not_round_the_coordinates(self, kind, cost):
        logits = encode(torch.tensor([[[100.3, 90.7]]]), (128, 128), 1.5).clamp_min(1e-20).log()
        points, mask = torch.tensor([[[100.3, 90.7]]]), torch.ones(1, 1, dtype=torch.bool)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert create_loss(kind, sigma=1.5)(logits, points, mask).total.item() == pytest.approx(0, abs=1e-2)

    def test_descending_the_loss_moves_the_mean_of_flat_maps_onto_the_target(self, kind, cost):
        target, mask = torch.tensor([[[20.3, 5.6]]]), torch.ones(1, 1, dtype=torch.bool)
        maps = torch.zeros(1, 1, 32, 32, requires_grad=True)
        adam, loss = torch.optim.Adam([maps], lr=0.3), create_loss(kind, sigma=1.5)
        for _ in range(60):
            adam.zero_grad()
            loss(maps, target, mask).total.backward()
            adam.step()
        found = decode(to_heatmaps(maps, "integral", 1.5), "dark", 1.5).xy
        assert (found - target).norm().item() < 0.2


class TestChoice:
    def test_a_loss_says_what_it_teaches_the_logits_to_be(self):
        assert {kind: create_loss(kind, 2.0).activation for kind in KINDS} == {
            "combined": "linear",
            "dark": "linear",
            "adaptive_wing": "linear",
            "cross_entropy": "softmax",
            "wing": "integral",
            "smooth_l1": "integral",
            "mse": "integral",
        }

    def test_combined_loss_reports_both_terms_and_ramps_the_second(self, batch):
        loss = create_loss("combined", sigma=1.5, dark_weight=0.5, wing_weight=0.25)
        result = loss(*batch, ramp=0.4)
        expected = 0.5 * result.terms["dark"] + 0.4 * 0.25 * result.terms["wing"]
        assert result.total.item() == pytest.approx(expected.item())

    def test_unknown_kind_is_refused_with_those_there_are(self):
        with pytest.raises(ValueError, match="'l1', expected one of combined, dark, cross_entropy, adaptive_wing, wing, "):
            create_loss("l1", sigma=2.0)

    def test_sigma_must_be_above_zero(self):
        with pytest.raises(ValueError, match="above 0"):
            create_loss("dark", sigma=0.0)

    def test_setting_of_another_loss_is_refused(self):
        with pytest.raises(TypeError, match="wing_weight"):
            create_loss("dark", sigma=2.0, wing_weight=0.5)

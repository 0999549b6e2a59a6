"""Every landmark loss under one signature."""

import math
from typing import get_args

import pytest
import torch

from ceph_pipeline.heatmaps import encode
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
        perfect = truth.clamp_min(1e-20).log() if loss.activation == "softmax" else truth
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


class TestChoice:
    def test_only_cross_entropy_needs_a_softmax(self):
        assert {kind: create_loss(kind, 2.0).activation for kind in KINDS} == {
            "combined": "linear",
            "dark": "linear",
            "cross_entropy": "softmax",
            "adaptive_wing": "linear",
        }

    def test_combined_loss_reports_both_terms_and_ramps_the_second(self, batch):
        loss = create_loss("combined", sigma=1.5, dark_weight=0.5, wing_weight=0.25)
        result = loss(*batch, ramp=0.4)
        expected = 0.5 * result.terms["dark"] + 0.4 * 0.25 * result.terms["wing"]
        assert result.total.item() == pytest.approx(expected.item())

    def test_unknown_kind_is_refused_with_those_there_are(self):
        with pytest.raises(ValueError, match="'mse', expected one of combined, dark, cross_entropy, adaptive_wing"):
            create_loss("mse", sigma=2.0)

    def test_sigma_must_be_above_zero(self):
        with pytest.raises(ValueError, match="above 0"):
            create_loss("dark", sigma=0.0)

    def test_setting_of_another_loss_is_refused(self):
        with pytest.raises(TypeError, match="wing_weight"):
            create_loss("dark", sigma=2.0, wing_weight=0.5)

"""Losses on heatmaps: values worked out by hand, masks, gradients, half precision."""

import math

import pytest
import torch

from ceph_pipeline.heatmaps import encode
from ceph_pipeline.losses import AdaptiveWingLoss, DarkLoss, SoftmaxCrossEntropy

LOSSES = {"adaptive_wing": AdaptiveWingLoss(), "dark": DarkLoss(), "cross_entropy": SoftmaxCrossEntropy()}


@pytest.fixture(params=LOSSES)
def loss(request):
    return LOSSES[request.param]


def _maps(*points: tuple[float, float], sigma: float = 2.0) -> torch.Tensor:
    return encode(torch.tensor([points]), size=(24, 24), sigma=sigma)


class TestDark:
    def test_empty_map_costs_one(self):
        target = _maps((8.3, 12.1), (15.0, 9.9))
        assert DarkLoss()(torch.zeros_like(target), target).item() == pytest.approx(1.0)

    @pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
    def test_cost_does_not_depend_on_the_gaussians_width(self, sigma):
        target = _maps((12.0, 12.0), sigma=sigma)
        assert DarkLoss()(0.5 * target, target).item() == pytest.approx(0.25)

    def test_perfect_map_costs_nothing_and_a_map_at_the_wrong_place_two(self):
        target = _maps((5.0, 5.0), sigma=1.0)
        assert DarkLoss()(target, target).item() == 0.0
        assert DarkLoss()(_maps((18.0, 18.0), sigma=1.0), target).item() == pytest.approx(2.0, abs=1e-4)

    def test_value_by_hand(self):
        target = torch.tensor([[[[1.0, 0.5], [0.0, 0.0]]]])
        prediction = torch.tensor([[[[0.5, 0.5], [0.5, 0.0]]]])
        assert DarkLoss()(prediction, target).item() == pytest.approx(0.5 / 1.25)


class TestAdaptiveWing:
    def test_published_example(self):
        target = torch.tensor([[1.0, 0.5], [0.0, 0.1]])
        assert AdaptiveWingLoss()(torch.zeros(2, 2), target).item() == pytest.approx(3.59747, abs=1e-5)

    def test_single_pixels_by_hand(self):
        near = AdaptiveWingLoss()(torch.tensor([0.2]), torch.tensor([0.0])).item()
        assert near == pytest.approx(14 * math.log(1 + 0.2**2.1), rel=1e-5)
        power = 1.1
        slope = 14 / (1 + 0.5**power) * power * 0.5 ** (power - 1)
        far = AdaptiveWingLoss()(torch.tensor([0.0]), torch.tensor([1.0])).item()
        assert far == pytest.approx(slope * 1.0 - (0.5 * slope - 14 * math.log(1 + 0.5**power)), rel=1e-5)

    def test_branches_meet_at_theta(self):
        target = torch.tensor([0.7], dtype=torch.float64)
        below, above = (AdaptiveWingLoss()(target - 0.5 + step, target).item() for step in (1e-9, -1e-9))
        assert below == pytest.approx(above, abs=1e-6)

    def test_error_on_the_peak_costs_more_than_the_same_error_on_the_background(self):
        peak = AdaptiveWingLoss()(torch.tensor([0.7]), torch.tensor([1.0]))
        background = AdaptiveWingLoss()(torch.tensor([0.3]), torch.tensor([0.0]))
        assert peak > 2 * background


class TestCrossEntropy:
    def test_flat_logits_cost_the_logarithm_of_the_pixels(self):
        target = _maps((8.0, 8.0))
        assert SoftmaxCrossEntropy()(torch.zeros_like(target), target).item() == pytest.approx(math.log(24 * 24))

    def test_perfect_prediction_costs_the_gaussians_entropy(self):
        target = _maps((12.0, 12.0), sigma=1.5)
        cost = SoftmaxCrossEntropy()(target.clamp_min(1e-30).log(), target).item()
        assert cost == pytest.approx(1 + math.log(2 * math.pi * 1.5**2), rel=1e-3)

    def test_value_by_hand(self):
        target = torch.tensor([[[[3.0, 1.0]]]])
        logits = torch.tensor([[[[math.log(1.0), math.log(3.0)]]]])
        expected = -(0.75 * math.log(0.25) + 0.25 * math.log(0.75))
        assert SoftmaxCrossEntropy()(logits, target).item() == pytest.approx(expected)

    def test_shifting_all_logits_changes_nothing(self):
        target = _maps((8.0, 8.0))
        logits = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
        loss = SoftmaxCrossEntropy()
        assert loss(logits + 5.0, target).item() == pytest.approx(loss(logits, target).item(), rel=1e-5)


class TestMask:
    def test_missing_landmark_counts_neither_in_the_sum_nor_in_the_mean(self, loss):
        target = _maps((8.3, 12.1), (15.0, 9.9))
        prediction = torch.rand(target.shape, generator=torch.Generator().manual_seed(0))
        hidden = target.clone()
        hidden[0, 1] = math.nan
        masked = loss(prediction, hidden, torch.tensor([[True, False]]))
        assert masked.item() == pytest.approx(loss(prediction[:, :1], target[:, :1]).item(), rel=1e-5)

    def test_missing_landmark_has_no_gradient(self, loss):
        target = _maps((8.3, 12.1), (math.nan, math.nan))
        prediction = torch.rand(target.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
        loss(prediction, target, torch.tensor([[True, False]])).backward()
        assert prediction.grad.isfinite().all()
        assert prediction.grad[0, 0].abs().sum() > 0
        assert prediction.grad[0, 1].abs().sum() == 0

    def test_nothing_visible_costs_nothing(self, loss):
        target = torch.full((1, 2, 8, 8), math.nan)
        prediction = torch.rand(target.shape, requires_grad=True)
        value = loss(prediction, target, torch.zeros(1, 2, dtype=torch.bool))
        value.backward()
        assert value.item() == 0.0
        assert prediction.grad.abs().sum() == 0


class TestNumerics:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_dtype_is_kept_and_half_precision_agrees_with_single(self, loss, dtype):
        target = _maps((8.3, 12.1), (15.0, 9.9))
        prediction = torch.rand(target.shape, generator=torch.Generator().manual_seed(0)).to(dtype)
        value = loss(prediction, target.to(dtype))
        assert value.dtype == dtype
        assert value.item() == pytest.approx(loss(prediction.float(), target).item(), rel=2e-2)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_gradients_of_half_precision_maps_are_finite(self, loss, dtype):
        target = _maps((8.3, 12.1))
        prediction = torch.zeros(target.shape, dtype=dtype, requires_grad=True)
        loss(prediction, target).backward()
        assert prediction.grad.isfinite().all()

    def test_gradient_is_that_of_finite_differences(self, loss):
        generator = torch.Generator().manual_seed(3)
        target = encode(torch.tensor([[[2.2, 3.1], [1.0, 4.0]]]), size=(6, 6), sigma=1.5).double()
        prediction = torch.rand(target.shape, dtype=torch.float64, generator=generator).requires_grad_()
        mask = torch.tensor([[True, False]])
        assert torch.autograd.gradcheck(lambda maps: loss(maps, target, mask), prediction)

    def test_maps_of_another_size_are_refused(self, loss):
        with pytest.raises(ValueError, match="they must agree"):
            loss(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 16, 16))

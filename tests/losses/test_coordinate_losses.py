"""Wing loss: the published values, worked out by hand."""

import math

import pytest
import torch

from ceph_pipeline.losses import WingLoss


def _points(*pairs: tuple[float, float]) -> torch.Tensor:
    return torch.tensor([pairs], dtype=torch.float64)


class TestValues:
    def test_offset_joins_the_two_branches_at_the_width(self):
        assert WingLoss(width=10, curvature=2).offset == pytest.approx(-7.91759, abs=1e-5)

    @pytest.mark.parametrize(("error", "loss"), [(0.0, 0.0), (0.5, 2.23144), (1.0, 4.05465), (10.0, 17.91759), (20.0, 27.91759)])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_loss_of_one_coordinate(self, error, loss, sign):
        value = WingLoss()(_points((sign * error, 0.0)), _points((0.0, 0.0)))
        assert value.item() == pytest.approx(loss, abs=1e-5)

    def test_is_the_mean_over_points_of_the_sum_over_x_and_y(self):
        value = WingLoss()(_points((0.5, 20.0), (0.0, 0.0)), _points((0.0, 0.0), (0.0, 0.0)))
        assert value.item() == pytest.approx((2.23144 + 27.91759) / 2, abs=1e-5)

    def test_wider_wing_bends_later(self):
        value = WingLoss(width=30, curvature=5)(_points((20.0, 0.0)), _points((0.0, 0.0)))
        assert value.item() == pytest.approx(30 * math.log(5))

    def test_slope_is_one_far_away_and_width_over_curvature_at_zero(self):
        prediction = _points((1e-9, 500.0)).requires_grad_()
        WingLoss()(prediction, _points((0.0, 0.0))).backward()
        assert prediction.grad[0, 0].tolist() == pytest.approx([5.0, 1.0], rel=1e-4)


class TestMask:
    def test_missing_point_counts_neither_in_the_sum_nor_in_the_mean(self):
        prediction, target = _points((0.5, 0.0), (9.0, 9.0)), _points((0.0, 0.0), (math.nan, math.nan))
        value = WingLoss()(prediction, target, torch.tensor([[True, False]]))
        assert value.item() == pytest.approx(2.23144, abs=1e-5)

    def test_missing_point_has_no_gradient(self):
        prediction = _points((0.5, 0.0), (9.0, 9.0)).requires_grad_()
        target = _points((0.0, 0.0), (math.nan, math.nan))
        WingLoss()(prediction, target, torch.tensor([[True, False]])).backward()
        assert prediction.grad.isfinite().all()
        assert prediction.grad[0, 1].tolist() == [0.0, 0.0]

    def test_nothing_visible_costs_nothing(self):
        prediction = _points((3.0, 3.0)).requires_grad_()
        value = WingLoss()(prediction, _points((0.0, 0.0)), torch.zeros(1, 1, dtype=torch.bool))
        value.backward()
        assert value.item() == 0.0
        assert prediction.grad.abs().sum().item() == 0.0


class TestNumerics:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_dtype_is_kept(self, dtype):
        assert WingLoss()(torch.ones(1, 1, 2, dtype=dtype), torch.zeros(1, 1, 2)).dtype == dtype

    def test_half_precision_is_computed_in_single(self):
        prediction = torch.full((1, 2000, 2), 0.5, dtype=torch.float16)
        assert WingLoss()(prediction, torch.zeros_like(prediction)).item() == pytest.approx(2 * 2.23144, rel=1e-3)

    def test_gradient_is_that_of_finite_differences(self):
        prediction = torch.tensor([[[0.3, -7.0], [12.0, -30.0]]], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda points: WingLoss()(points, torch.zeros_like(points)), prediction)


class TestInvalid:
    def test_points_of_another_shape_are_refused_instead_of_broadcast(self):
        with pytest.raises(ValueError, match=r"\(2, 3, 2\), the target \(1, 3, 2\)"):
            WingLoss()(torch.zeros(2, 3, 2), torch.zeros(1, 3, 2))

    def test_mask_with_a_flag_for_each_coordinate_is_refused(self):
        with pytest.raises(ValueError, match="one flag per landmark"):
            WingLoss()(torch.zeros(1, 3, 2), torch.zeros(1, 3, 2), torch.ones(1, 3, 2, dtype=torch.bool))

    @pytest.mark.parametrize(("width", "curvature"), [(0, 2), (10, 0), (-1, 2)])
    def test_width_and_curvature_must_be_above_zero(self, width, curvature):
        with pytest.raises(ValueError, match="both above 0"):
            WingLoss(width, curvature)

"""Smooth L1 and squared error of coordinates, worked out by hand."""

import math

import pytest
import torch

from ceph_pipeline.losses import CoordinateLoss


@pytest.mark.parametrize(
    ("kind", "error", "loss"),
    [
        ("smooth_l1", 0.5, 0.125),
        ("smooth_l1", 1.0, 0.5),
        ("smooth_l1", -3.0, 2.5),
        ("mse", 0.5, 0.25),
        ("mse", -3.0, 9.0),
    ],
)
def test_loss_of_one_coordinate(kind, error, loss):
    assert CoordinateLoss(kind)(torch.tensor([[[error, 0.0]]]), torch.zeros(1, 1, 2)).item() == pytest.approx(loss)


@pytest.mark.parametrize("kind", ["smooth_l1", "mse"])
class TestBoth:
    def test_is_the_mean_over_visible_points_of_the_sum_over_x_and_y(self, kind):
        prediction = torch.tensor([[[1.0, 1.0], [5.0, 5.0]]], requires_grad=True)
        target = torch.tensor([[[0.0, 0.0], [math.nan, math.nan]]])
        value = CoordinateLoss(kind)(prediction, target, torch.tensor([[True, False]]))
        value.backward()
        assert value.item() == pytest.approx({"smooth_l1": 1.0, "mse": 2.0}[kind])
        assert prediction.grad[0, 1].tolist() == [0, 0]

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_dtype_is_kept_and_half_precision_is_summed_in_single(self, kind, dtype):
        prediction = torch.full((1, 2000, 2), 8.0, dtype=dtype)
        value = CoordinateLoss(kind)(prediction, torch.zeros_like(prediction))
        assert value.dtype == dtype
        assert value.item() == pytest.approx({"smooth_l1": 15.0, "mse": 128.0}[kind])

"""Losses of the CVM heads."""

import math

import pytest
import torch

from ceph_pipeline.losses import MeasurementLoss, OrdinalLoss, predicted_stage, stage_probabilities


def _logits_of(stage: int, certainty: float = 8.0) -> torch.Tensor:
    """Cumulative logits that answer "above stage s?" for stages 1…6 with certainty."""
    return torch.tensor([[certainty if stage > s else -certainty for s in range(1, 6)]])


class TestOrdinal:
    def test_undecided_logits_cost_the_logarithm_of_two_for_each_question(self):
        assert OrdinalLoss(6)(torch.zeros(1, 5), torch.tensor([3])).item() == pytest.approx(5 * math.log(2))

    def test_each_stage_off_costs_one_wrong_answer_more(self):
        costs = [OrdinalLoss(6)(_logits_of(4), torch.tensor([stage])).item() for stage in (4, 5, 6, 3, 2, 1)]
        assert costs == pytest.approx([0, 8, 16, 8, 16, 24], abs=0.01)

    def test_rare_stages_weigh_more(self):
        logits, stages = torch.cat([_logits_of(1), _logits_of(1)]), torch.tensor([1, 2])
        weighted = OrdinalLoss(6, class_weights=[1, 3, 1, 1, 1, 1])(logits, stages).item()
        assert weighted == pytest.approx(3 * 8 / 4, abs=0.01)

    def test_image_without_a_stage_does_not_count(self):
        logits, stages = torch.cat([_logits_of(2), _logits_of(6)]), torch.tensor([3, -1])
        assert OrdinalLoss(6)(logits, stages, torch.tensor([True, False])).item() == pytest.approx(8, abs=0.01)

    def test_no_stage_at_all_costs_nothing_and_has_no_gradient(self):
        logits = _logits_of(3).requires_grad_()
        value = OrdinalLoss(6)(logits, torch.tensor([0]), torch.tensor([False]))
        value.backward()
        assert value.item() == 0.0
        assert logits.grad.abs().sum() == 0

    def test_predicted_stage_counts_the_questions_answered_with_yes(self):
        logits = torch.cat([_logits_of(stage) for stage in range(1, 7)])
        assert predicted_stage(logits).tolist() == [1, 2, 3, 4, 5, 6]

    def test_a_stage_is_as_probable_as_lying_above_the_one_before_and_not_above_it(self):
        above = torch.tensor([[0.9, 0.8, 0.5, 0.1, 0.0]])
        assert stage_probabilities(above.logit())[0].tolist() == pytest.approx([0.1, 0.1, 0.3, 0.4, 0.1, 0.0], abs=1e-6)
        assert stage_probabilities(torch.zeros(1, 1))[0].tolist() == [0.5, 0.5]

    def test_logits_that_rise_leave_no_probability_below_0(self):
        found = stage_probabilities(torch.tensor([[0.2, 0.7]]).logit())[0]
        assert found.tolist() == pytest.approx([0.8 / 1.5, 0, 0.7 / 1.5])  # 0.8, −0.5 → 0, and 0.7

    def test_gradient_is_that_of_finite_differences(self):
        logits = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
        loss = OrdinalLoss(6, class_weights=[1, 2, 3, 1, 1, 2])
        assert torch.autograd.gradcheck(lambda x: loss(x, torch.tensor([1, 6, 3, 2])), logits)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
    def test_dtype_is_kept(self, dtype):
        assert OrdinalLoss(6)(torch.zeros(1, 5, dtype=dtype), torch.tensor([3])).dtype == dtype

    @pytest.mark.parametrize(("stages", "weights"), [(1, None), (3, [1, 1]), (2, [1, 0])])
    def test_stages_need_a_weight_above_zero_each(self, stages, weights):
        with pytest.raises(ValueError, match="at least 2 stages"):
            OrdinalLoss(stages, weights)

    def test_logits_of_another_number_of_stages_are_refused(self):
        with pytest.raises(ValueError, match=r"\(1, 6\), expected \(1, 5\)"):
            OrdinalLoss(6)(torch.zeros(1, 6), torch.tensor([3]))


class TestMeasurements:
    def test_is_squared_within_one_standard_deviation_and_linear_beyond(self):
        value = MeasurementLoss()(torch.tensor([[0.5, 3.0]]), torch.zeros(1, 2)).item()
        assert value == pytest.approx((0.5 * 0.25 + 2.5) / 2)

    def test_unknown_measurement_counts_neither_in_the_sum_nor_in_the_gradient(self):
        prediction = torch.tensor([[0.5, 3.0]], requires_grad=True)
        target = torch.tensor([[0.0, math.nan]])
        value = MeasurementLoss()(prediction, target, target.isfinite())
        value.backward()
        assert value.item() == pytest.approx(0.125)
        assert prediction.grad.tolist() == [[0.5, 0.0]]

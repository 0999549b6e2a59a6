"""What maps of absent landmarks cost, in numbers on paper."""

import math

import pytest
import torch

from ceph_pipeline.heatmaps import encode
from ceph_pipeline.losses import create_loss
from ceph_pipeline.losses.absent import absent_cost

ABSENT = torch.tensor([[True]])


def test_a_false_peak_of_one_costs_one() -> None:
    peak = encode(torch.tensor([[[32.0, 32.0]]]), (64, 64), 2.0)
    assert absent_cost(peak, ABSENT, "linear", 2.0).item() == pytest.approx(1.0, abs=1e-4)


def test_an_even_distribution_costs_nothing_and_a_sharp_one_its_distance() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    assert absent_cost(logits, ABSENT, "softmax", 1.0).item() == pytest.approx(0.0, abs=1e-6)
    logits[0, 0, 0, 0] = math.log(3)  # probabilities 3/6, 1/6, 1/6, 1/6
    by_hand = -(math.log(1 / 2) + 3 * math.log(1 / 6)) / 4 - math.log(4)
    assert absent_cost(logits, ABSENT, "softmax", 1.0).item() == pytest.approx(by_hand)


@pytest.mark.parametrize("kind", ["combined", "dark", "adaptive_wing", "cross_entropy", "smooth_l1"])
def test_a_missing_landmark_teaches_an_empty_map_only_where_it_is_asked_to(kind: str) -> None:
    logits = torch.zeros(2, 1, 16, 16)
    logits[:, 0, 3, 4] = 5.0
    points, mask = torch.tensor([[[8.0, 8.0]], [[torch.nan, torch.nan]]]), torch.tensor([[True], [False]])
    gradients = []
    for weight in (0.0, 0.5):
        asked = logits.clone().requires_grad_()
        create_loss(kind, 1.5, absent_weight=weight)(asked, points.nan_to_num(0), mask).total.backward()
        gradients.append(asked.grad)
    assert gradients[0][1].abs().sum() == 0
    assert gradients[1][1, 0, 3, 4] > 0  # descending lowers the false peak
    assert torch.equal(gradients[0][0], gradients[1][0])

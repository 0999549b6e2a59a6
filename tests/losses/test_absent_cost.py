"""What maps of absent landmarks cost, in numbers on paper."""

import math

import pytest
import torch

from ceph_pipeline.heatmaps import encode
from ceph_pipeline.losses import create_loss
from ceph_pipeline.losses.absent import absent_cost, is_absent

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


def test_a_mark_left_out_beside_the_other_one_teaches_nothing_and_a_film_without_any_is_empty() -> None:
    nowhere = [torch.nan, torch.nan]
    points = torch.tensor([[[3.0, 4.0], nowhere], [nowhere, nowhere], [[3.0, 4.0], [30.0, 4.0]]])
    visible = torch.tensor([[True, False], [False, False], [True, False]])  # the last film's second mark is out of the picture
    absent = is_absent(points, visible)
    assert absent.tolist() == [[False, False], [True, True], [False, True]]
    logits = torch.zeros(3, 2, 16, 16)
    logits[..., 3, 4] = 5.0
    logits.requires_grad_()
    loss = create_loss("cross_entropy", 1.0, absent_weight=0.3)
    loss(logits, points.nan_to_num(0), visible, absent=absent).total.backward()
    assert logits.grad[0, 1].abs().sum() == 0
    assert (logits.grad[1, :, 3, 4] > 0).all()
    assert logits.grad[2, 1, 3, 4] > 0

"""Every visible point weighs the same, whichever rank sees it."""

import math
import subprocess
import sys
from datetime import timedelta

import pytest
import torch
from torch import distributed

from ceph_pipeline.losses import MeasurementLoss, OrdinalLoss, create_loss, mean_over_ranks

KINDS = ["combined", "dark", "cross_entropy", "adaptive_wing", "wing", "smooth_l1", "mse"]
VISIBLE = [[True, True, True, True], [True, False, False, False], [False, False, False, False], [True, True, False, True]]


def _batch():
    generator = torch.Generator().manual_seed(0)
    logits = 0.1 * torch.randn(4, 4, 16, 16, generator=generator)
    points = torch.rand(4, 4, 2, generator=generator) * 8 + 4
    return logits, points, torch.tensor(VISIBLE)


def _gradients(rows: slice, *, over_ranks: bool) -> list[torch.Tensor]:
    """Gradients of every loss with respect to the logits of some images, in the place of the whole batch."""
    logits, points, mask = _batch()
    found = []
    for kind in KINDS:
        leaf = logits.clone().requires_grad_()
        create_loss(kind, sigma=1.5)(leaf[rows], points[rows], mask[rows], over_ranks=over_ranks).total.backward()
        found.append(leaf.grad)
    stages, known = torch.tensor([1, 6, 3, 2]), torch.tensor([True, True, False, True])
    leaf = logits[:, 0, 0, :5].clone().requires_grad_()
    loss = OrdinalLoss(6, class_weights=[1, 2, 3, 1, 1, 2])
    loss(leaf[rows], stages[rows], known[rows], over_ranks=over_ranks).backward()
    found.append(leaf.grad)
    leaf = logits[:, 0, 0, :4].clone().requires_grad_()
    MeasurementLoss()(leaf[rows], torch.zeros(4, 4)[rows], mask[rows], over_ranks=over_ranks).backward()
    return [*found, leaf.grad]


def _rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2, timeout=timedelta(seconds=600)
    )
    try:
        averaged = []
        for gradient in _gradients(slice(0, 1) if rank == 0 else slice(1, 4), over_ranks=True):
            distributed.all_reduce(gradient)
            averaged.append(gradient / 2)  # as DistributedDataParallel does
        if rank == 0:
            torch.save(averaged, f"{folder}/averaged.pt")
    finally:
        distributed.destroy_process_group()


def test_two_ranks_with_unequal_numbers_of_points_have_the_gradient_of_one(tmp_path):
    # Programs of their own: autograd refuses to work in the fork of a process in which it has started threads.
    ranks = [subprocess.Popen([sys.executable, __file__, str(rank), str(tmp_path)]) for rank in (0, 1)]
    assert [rank.wait(120) for rank in ranks] == [0, 0]
    averaged = torch.load(tmp_path / "averaged.pt", weights_only=True)
    for found, expected in zip(averaged, _gradients(slice(0, 4), over_ranks=False), strict=True):
        assert expected.abs().sum() > 0
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)


def test_without_other_ranks_the_count_is_ones_own():
    assert mean_over_ranks(torch.tensor(7)).item() == 7
    for alone, expected in zip(_gradients(slice(0, 4), over_ranks=True), _gradients(slice(0, 4), over_ranks=False), strict=True):
        assert torch.equal(alone, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_rank_without_a_visible_point_costs_nothing_and_breaks_nothing(kind):
    logits, points, _ = _batch()
    logits.requires_grad_()
    points[:] = math.nan
    total = create_loss(kind, sigma=1.5)(logits, points, torch.zeros(4, 4, dtype=torch.bool), over_ranks=True).total
    total.backward()
    assert total.item() == 0
    assert logits.grad.abs().sum() == 0


if __name__ == "__main__":
    _rank(int(sys.argv[1]), sys.argv[2])

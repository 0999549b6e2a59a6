"""What the callback looks at, and the figures that a validation is summed up in."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from ceph_pipeline.training.batch import Batch, LocatedBatch
from ceph_pipeline.training.health.observe import StepSize, from_all_ranks, located_points
from ceph_pipeline.training.health.record import LocatedPoints, summarise


def batch(points, landmark=None):
    """A batch whose originals are twice the size of the input, shifted by (10, 20) px; a pixel is 0.5 mm."""
    n = len(points)
    return Batch(
        images=torch.zeros(n, 1, 64, 64),
        points=points,
        to_original=torch.tensor([[2.0, 0.0, 10.0], [0.0, 2.0, 20.0]]).expand(n, 2, 3),
        pixel_size_mm=torch.full((n,), 0.5),
        long_side_px=torch.full((n,), 128.0),
        landmark=torch.zeros(n, dtype=torch.int64) if landmark is None else landmark,
        cvm_stage=torch.zeros(n, dtype=torch.int64),
        measurements=torch.zeros(n, 0),
    )


def located(points, off):
    """Every landmark found `off` px of the input to the right of its truth."""
    error = torch.full(points.shape[:2], 2.0 * off)
    return LocatedBatch(points + torch.tensor([off, 0.0]), points, error, 0.5 * error, torch.full(points.shape[:2], 0.8))


def test_a_channel_of_whole_images_is_a_landmark_and_crops_name_theirs():
    points = torch.arange(12.0).reshape(2, 3, 2)
    assert located_points(located(points, 1.0), batch(points)).landmark.tolist() == [0, 1, 2, 0, 1, 2]
    crops = points[:, :1]
    assert located_points(located(crops, 1.0), batch(crops, torch.tensor([2, 1]))).landmark.tolist() == [2, 1]


class TwoParts(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.Linear(3, 3), nn.Linear(3, 2)


def test_a_step_is_measured_relative_to_the_weights_and_by_part():
    net = TwoParts()
    step = StepSize(net)
    with torch.no_grad():
        net.head.weight *= 1.25
        net.head.bias += 100  # biases do not count
    assert step.measure() == {"backbone": 0.0, "heads": pytest.approx(0.25)}


def test_a_part_without_weights_has_no_step():
    net = TwoParts()
    with torch.no_grad():
        net.head.weight.zero_()
    assert math.isnan(StepSize(net).measure()["heads"])


def test_one_process_has_its_own_points():
    points = located_points(located(torch.zeros(1, 3, 2), 1.0), batch(torch.zeros(1, 3, 2)))
    assert from_all_ranks(points) is points


def test_the_points_of_all_processes_are_joined(monkeypatch):
    mine = located_points(located(torch.zeros(1, 3, 2), 1.0), batch(torch.zeros(1, 3, 2)))
    other = mine._replace(landmark=np.array([2, 1, 0]))

    def gather(parts, points):
        parts[:] = [points, other]

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    assert from_all_ranks(mine).landmark.tolist() == [0, 1, 2, 2, 1, 0]


def points_of(found, truth):
    found, truth = np.array(found, float), np.array(truth, float)
    error = np.linalg.norm(found - truth, axis=1)
    return LocatedPoints(np.zeros(len(found), int), found, truth, 2 * error, error, np.full(len(found), 0.7))


def test_figures_of_a_validation_by_hand():
    """Truths at (10, 10) and (16, 18) lie 5 px from their mean; predictions (13, 14) twice miss them by 5 px and spread by 0."""
    figures = summarise(points_of([[13, 14], [13, 14]], [[10, 10], [16, 18]]), 1, (64, 64), 4)
    assert figures.error == (5.0,)
    assert figures.guess == (5.0,)
    assert figures.spread == (0.0,)
    assert figures.target_spread == (5.0,)
    assert figures.centre == ((13.0, 14.0),)
    assert figures.error_px == (10.0,)
    assert figures.peak == (0.7,)


def test_border_and_outside_are_counted_from_the_frames_edge():
    """The frame of 64 px reaches from −0.5 to 63.5; a heatmap px is 4 px."""
    found = [[3.0, 30.0], [4.0, 30.0], [63.6, 30.0], [np.nan, 30.0]]
    figures = summarise(points_of(found, [[30, 30]] * 4), 1, (64, 64), 4)
    assert figures.at_border == (0.5,)
    assert figures.outside == (0.5,)
    assert figures.target_at_border == (0.0,)


def test_a_landmark_that_nobody_marked_has_no_figures_but_its_spread():
    figures = summarise(points_of([[10, 10], [20, 10]], [[np.nan, np.nan]] * 2), 2, (64, 64), 4)
    assert math.isnan(figures.error[0])
    assert figures.spread[0] == 5.0
    assert math.isnan(figures.spread[1])

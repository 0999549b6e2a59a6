"""Timing of the heatmap codec: what it compares, and that MMPose is asked the same question."""

import sys
import types

import cv2
import heatmap_codec
import numpy as np
import pytest
import torch
from one_core import one_core


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(heatmap_codec, "IMAGES", 2)
    monkeypatch.setattr(heatmap_codec, "LANDMARKS", 3)


def test_own_operations_are_divided_by_one_pass_over_the_same_maps(small, monkeypatch):
    monkeypatch.setattr(heatmap_codec, "mmpose_operations", lambda points, maps: {})
    table = heatmap_codec.time_codec(iterations=3, warmup=1).set_index("operation")
    assert table.loc["encode", "ratio"] == pytest.approx(table.loc["encode", "ms"] / table.loc["torch.exp", "ms"])
    assert table.loc["decode dark", "ratio"] == pytest.approx(
        table.loc["decode dark", "ms"] / table.loc["cv2.GaussianBlur", "ms"]
    )
    assert table["ms_per_image"].to_numpy() == pytest.approx(table["ms"].to_numpy() / 2)


def test_one_core_is_used_and_the_others_given_back():
    threads = torch.get_num_threads(), cv2.getNumThreads()
    with one_core():
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == threads


def test_mmpose_sees_points_in_input_px_and_the_same_maps(small, monkeypatch):
    seen = []

    class Recorder:
        def __init__(self, input_size, heatmap_size, sigma, *, unbiased, blur_kernel_size):
            assert (input_size, heatmap_size, sigma, unbiased, blur_kernel_size) == ((512, 512), (128, 128), 2.0, True, 11)

        def encode(self, keypoints, visible):
            seen.append(keypoints)
            assert visible.shape == (1, 3)

        def decode(self, heatmaps):
            seen.append(heatmaps)

    monkeypatch.setattr(heatmap_codec, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "mmpose.codecs", types.SimpleNamespace(MSRAHeatmap=Recorder))
    points, maps = heatmap_codec.drawn_maps()
    operations = heatmap_codec.mmpose_operations(points, maps)
    operations["mmpose encode"]()
    operations["mmpose decode"]()
    np.testing.assert_allclose(seen[0], 4 * points[:1].numpy())
    np.testing.assert_array_equal(seen[3], maps[1].numpy())


def test_without_mmpose_its_rows_are_left_out(monkeypatch):
    monkeypatch.setattr(heatmap_codec, "find_spec", lambda name: None)
    assert heatmap_codec.mmpose_operations(torch.zeros(1), torch.zeros(1)) == {}

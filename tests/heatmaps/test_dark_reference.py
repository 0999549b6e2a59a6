"""DARK on windows gives what the published algorithm gives on whole maps.

`dark_reference.csv` holds answers of that algorithm on maps that `seeded_map` draws: 36 of them, from the steps of
`published_dark`, which follow the paper and MMPose's `refine_keypoints_dark` (blur of the zero-padded map, floor, logarithm, one
Newton step). MMPose 1.3.2 itself gives the same 36 answers to 1e-5 px; where it is installed, a test asks it.
"""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ceph_pipeline.heatmaps import decode, encode
from ceph_pipeline.heatmaps.dark import blur_kernel, kernel_size


def published_dark(heatmap: np.ndarray, sigma: float) -> np.ndarray:
    """The algorithm as published: blur the whole zero-padded map, rescale, take the logarithm, one Newton step."""
    k = kernel_size(sigma)
    border = (k - 1) // 2
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    padded = cv2.GaussianBlur(np.pad(heatmap, border), (k, k), 0)
    blurred = padded[border:-border, border:-border]
    log = np.log(np.maximum(blurred * heatmap.max() / blurred.max(), 1e-10))
    gradient = np.array([log[y, x + 1] - log[y, x - 1], log[y + 1, x] - log[y - 1, x]]) / 2
    xx = (log[y, x + 2] - 2 * log[y, x] + log[y, x - 2]) / 4
    yy = (log[y + 2, x] - 2 * log[y, x] + log[y - 2, x]) / 4
    xy = (log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1]) / 4
    return np.array([x, y]) - np.linalg.solve(np.array([[xx, xy], [xy, yy]]), gradient)


def seeded_map(x: float, y: float, sigma: float, noise: float, seed: int) -> np.ndarray:
    """A 64 × 64 Gaussian at (x, y) with noise from NumPy's legacy generator, whose stream never changes."""
    columns, rows = np.arange(64) - x, np.arange(64) - y
    gaussian = np.exp(-(rows[:, None] ** 2 + columns[None] ** 2) / (2 * sigma**2))
    return (gaussian + noise * np.random.RandomState(seed).standard_normal((64, 64))).astype(np.float32)


def reference_rows() -> list[dict[str, float]]:
    """The committed answers."""
    with (Path(__file__).parent / "dark_reference.csv").open(encoding="utf-8") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def _drawn(row: dict[str, float]) -> np.ndarray:
    return seeded_map(row["x"], row["y"], row["sigma"], row["noise"], int(row["seed"]))


def test_committed_answers_are_met_to_half_a_thousandth_of_a_pixel():
    rows = reference_rows()
    assert len(rows) == 36
    for row in rows:
        found = decode(torch.from_numpy(_drawn(row))[None, None], "dark", row["sigma"]).xy[0, 0].tolist()
        assert found == pytest.approx([row["dark_x"], row["dark_y"]], abs=5e-4)


def test_committed_answers_are_those_of_the_published_steps():
    for row in reference_rows():
        assert published_dark(_drawn(row), row["sigma"]).tolist() == pytest.approx([row["dark_x"], row["dark_y"]], abs=5e-5)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
def test_mmpose_itself_agrees_away_from_the_border(sigma, noise):
    codecs = pytest.importorskip(
        "mmpose.codecs", reason="mmpose is an optional dependency of the benchmark", exc_type=ImportError
    )
    generator = torch.Generator().manual_seed(11)
    points = torch.rand(1, 58, 2, generator=generator) * 100 + 14
    maps = encode(points, (128, 128), sigma)
    maps = maps + noise * torch.randn(maps.shape, generator=generator)
    codec = codecs.MSRAHeatmap((512, 512), (128, 128), sigma, unbiased=True, blur_kernel_size=kernel_size(sigma))
    theirs = codec.decode(maps[0].numpy())[0][0] / 4
    np.testing.assert_allclose(decode(maps, "dark", sigma).xy[0].numpy(), theirs, atol=5e-4)


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
def test_windows_agree_with_the_blur_of_whole_maps(sigma, noise):
    generator = torch.Generator().manual_seed(7)
    points = torch.rand(4, 29, 2, generator=generator) * 40 + 12
    heatmaps = encode(points, size=(64, 64), sigma=sigma)
    heatmaps = heatmaps + noise * torch.randn(heatmaps.shape, generator=generator)
    found = decode(heatmaps, "dark", sigma).xy.flatten(0, 1).numpy()
    expected = np.stack([published_dark(heatmap, sigma) for heatmap in heatmaps.flatten(0, 1).numpy()])
    np.testing.assert_allclose(found, expected, atol=5e-4)


@pytest.mark.parametrize(("sigma", "size"), [(1.5, 7), (2.0, 11), (3.0, 17), (0.3, 1)])
def test_kernel_grows_with_sigma(sigma, size):
    assert kernel_size(sigma) == size


@pytest.mark.parametrize("size", [1, 3, 5, 7, 9, 11, 17])
def test_kernel_is_the_one_opencv_blurs_with(size):
    np.testing.assert_allclose(blur_kernel(size), cv2.getGaussianKernel(size, -1)[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("sigma", "at_2_px", "at_3_px"), [(1.0, 0.02, 0.02), (1.5, 0.03, 0.01), (2.0, 0.09, 0.02), (3.0, 0.2, 0.04)]
)
@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_peak_beside_the_border_is_not_drawn_inwards(sigma, at_2_px, at_3_px, side):
    distances = torch.linspace(1.6, 6, 45)
    across = torch.full_like(distances, 30.2)
    along = distances if side in ("left", "top") else 63 - distances
    points = torch.stack([along, across] if side in ("left", "right") else [across, along], dim=-1)[None]
    errors = (decode(encode(points, (64, 64), sigma), "dark", sigma).xy - points).norm(dim=-1)[0]
    assert errors.max().item() < at_2_px
    assert errors[distances > 2.6].max().item() < at_3_px


def test_step_away_from_a_false_peak_is_limited_to_two_sigma():
    heatmap = torch.zeros(1, 1, 64, 64)
    heatmap[..., 20:44, 20:44] = 1.0
    heatmap[..., 24, 24] = 1.001
    found = decode(heatmap, "dark", sigma=2.0).xy[0, 0]
    assert (found - 24).abs().max().item() <= 4.0

"""DARK on windows gives what the published algorithm gives on whole maps."""

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


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0])
def test_kernel_is_the_one_opencv_blurs_with(sigma):
    kernel = blur_kernel(sigma)
    np.testing.assert_allclose(kernel, cv2.getGaussianKernel(len(kernel), -1)[:, 0], atol=1e-6)


def test_step_away_from_a_false_peak_is_limited_to_two_sigma():
    heatmap = torch.zeros(1, 1, 64, 64)
    heatmap[..., 20:44, 20:44] = 1.0
    heatmap[..., 24, 24] = 1.001
    found = decode(heatmap, "dark", sigma=2.0).xy[0, 0]
    assert (found - 24).abs().max().item() <= 4.0

"""DARK decoding: a Newton step on the logarithm of the blurred map.

The logarithm of a Gaussian is a paraboloid, so one Newton step from the highest pixel reaches its centre. The step uses a
5 × 5 neighbourhood of the blurred map. Only the window that this neighbourhood depends on is blurred.

A Gaussian that is truncated by the map's border is not a Gaussian after the blur, and its peak moves inwards: at 2 px from the
border by 0.2 px for σ 2, and by 0.7 px for σ 3. The kernel is therefore smaller near the border.
"""

import math

import torch
from torch import Tensor

from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.heatmaps.windows import gather_windows, window_coordinates

FLOOR = 1e-10
"""Blurred values are clamped to at least this before the logarithm."""

MAX_OFFSET_SIGMA = 2.0
"""Longest step, in σ. The centre of a clean peak lies within half a pixel of the maximum, and noise of a fifth of the peak
moves the centre by less than 2σ. A longer step means that the neighbourhood is not a clear peak."""

REACH = 2
"""Reach of the second differences to each side, in px."""


def kernel_size(sigma: float) -> int:
    """Side of the blur kernel for maps encoded with `sigma`: 11 at 2, 17 at 3, 7 at 1.5."""
    return max(2 * (math.floor(3 * sigma) - 1) + 1, 1)


OPENCV_KERNELS = {
    3: (0.25, 0.5, 0.25),
    5: (0.0625, 0.25, 0.375, 0.25, 0.0625),
    7: (0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125),
    9: (0.015625, 0.05078125, 0.1171875, 0.19921875, 0.234375, 0.19921875, 0.1171875, 0.05078125, 0.015625),
}
"""The kernels of `cv2.GaussianBlur` at small sizes with an automatic deviation, as in the reference implementation."""


def blur_kernel(size: int) -> Tensor:
    """One-dimensional blur kernel `(size,)`, float32, with sum 1; the same as OpenCV's for an odd size."""
    if size in OPENCV_KERNELS:
        return torch.tensor(OPENCV_KERNELS[size])
    deviation = 0.3 * ((size - 1) / 2 - 1) + 0.8
    steps = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-0.5 * (steps / deviation).square())
    return (weights / weights.sum()).float()


def dark_offsets(heatmaps: Tensor, positions: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Offsets from the highest pixels to the peaks.

    Args:
        heatmaps: `(N, K, h, w)`.
        positions: `(N, K, 2)` integer (x, y) of the maxima of the unblurred maps.
        sigma: Standard deviation the maps were encoded with, in heatmap pixels.

    Returns:
        Offsets `(N, K, 2)` in pixels, at most 2σ on each axis, and a mask `(N, K)`. The mask is false without an offset: the
        neighbourhood leaves the map, or is not a peak (its Hessian is not negative definite).
    """
    logs, inside = _log_neighbourhood(heatmaps, positions, sigma)
    centre = logs[..., 2, 2]
    gx, gy = (logs[..., 2, 3] - logs[..., 2, 1]) / 2, (logs[..., 3, 2] - logs[..., 1, 2]) / 2
    hxx = (logs[..., 2, 4] - 2 * centre + logs[..., 2, 0]) / 4
    hyy = (logs[..., 4, 2] - 2 * centre + logs[..., 0, 2]) / 4
    hxy = (logs[..., 3, 3] - logs[..., 1, 3] - logs[..., 3, 1] + logs[..., 1, 1]) / 4
    determinant = hxx * hyy - hxy.square()
    usable = inside & (determinant > 1e-12) & (hxx < 0)
    step = torch.stack([hxy * gy - hyy * gx, hxy * gx - hxx * gy], dim=-1) / determinant.unsqueeze(-1)
    limit = MAX_OFFSET_SIGMA * sigma
    return step.clamp(-limit, limit), usable


def _log_neighbourhood(heatmaps: Tensor, positions: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Logarithm of the blurred maps on 5 × 5 pixels around the positions, and whether those lie inside the maps."""
    radius = kernel_size(sigma) // 2
    columns, rows = window_coordinates(positions, REACH + radius)
    values, inside = gather_windows(heatmaps, columns, rows)
    values = at_least_float32(values)
    bands = _blur_bands(radius).to(values)
    height, width = heatmaps.shape[-2:]
    blur_x, blur_y = (bands[_blur_radius(positions[..., axis], side, radius)] for axis, side in ((0, width), (1, height)))
    blurred = blur_y @ values @ blur_x.mT
    margin = slice(radius, radius + 2 * REACH + 1)
    return blurred.clamp_min(FLOOR).log(), inside[..., margin, margin].all(-1).all(-1)


def _blur_radius(positions: Tensor, side: int, largest: int) -> Tensor:
    """Kernel radius in px for each position along an axis of `side` px: the blurred window reaches 1 px beyond the border."""
    distance = torch.minimum(positions, side - 1 - positions)
    return (distance - REACH + 1).clamp(min(1, largest), largest)


def _blur_bands(largest: int) -> Tensor:
    """Matrices `(largest + 1, 5, 5 + 2 · largest)` that blur the middle of a window along one axis, by the kernel's radius."""
    side = 2 * REACH + 1
    bands = torch.zeros(largest + 1, side, side + 2 * largest)
    for radius in range(largest + 1):
        kernel = blur_kernel(2 * radius + 1)
        for row in range(side):
            start = row + largest - radius
            bands[radius, row, start : start + len(kernel)] = kernel
    return bands

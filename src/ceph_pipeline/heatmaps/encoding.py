"""Encode points as heatmaps."""

import torch
from torch import Tensor

from ceph_pipeline.errors import InvalidValueError


def encode(points: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Draw each point as an unbiased Gaussian with a peak of 1 at the sub-pixel position.

    A two-dimensional Gaussian is the product of its profiles along x and y, so a map of `h · w` values needs only `h + w`
    exponentials.

        >>> import torch
        >>> encode(torch.tensor([[[2.0, 1.0]]]), size=(3, 5), sigma=1.0)[0, 0, 1]
        tensor([0.1353, 0.6065, 1.0000, 0.6065, 0.1353])

    Args:
        points: `(N, K, 2)` as (x, y) in heatmap pixels, centres at integers; NaN where a landmark is missing.
        size: (height, width) of the maps.
        sigma: Standard deviation in heatmap pixels, above 0.

    Returns:
        `(N, K, h, w)` float32 in [0, 1] on the points' device; a missing landmark's map is zero.

    Raises:
        ValueError: points are not `(N, K, 2)`, a side of `size` is below 1, or sigma is not above 0.
    """
    height, width = size
    if points.ndim != 3 or points.shape[-1] != 2:
        raise InvalidValueError(f"points have shape {tuple(points.shape)}, expected (N, K, 2) as (x, y) in heatmap pixels.")
    if height < 1 or width < 1:
        raise InvalidValueError(f"heatmap size (h, w) is {size}, expected two sides of at least 1 px.")
    if not sigma > 0:
        raise InvalidValueError(f"sigma is {sigma} px, expected a standard deviation above 0.")
    along_x = _profile(points[..., 0], width, sigma)
    along_y = _profile(points[..., 1], height, sigma)
    return along_y.unsqueeze(-1) * along_x.unsqueeze(-2)


def _profile(centres: Tensor, length: int, sigma: float) -> Tensor:
    """Gaussian profiles `(N, K, length)` about the centres `(N, K)`; zero where a centre is NaN."""
    pixels = torch.arange(length, device=centres.device, dtype=torch.float32)
    distances = (pixels - centres.float().unsqueeze(-1)) / sigma
    return torch.exp(-0.5 * distances.square()).nan_to_num_(nan=0.0)

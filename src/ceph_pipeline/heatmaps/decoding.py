"""Decode heatmaps to points."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.heatmaps.dark import dark_offsets
from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.heatmaps.windows import gather_windows, local_soft_argmax, peaks, window_coordinates

DecodeMethod = Literal["dark", "argmax", "quarter", "soft"]
"""`dark`: Newton step on the logarithm of the blurred map; `quarter`: a quarter pixel towards the higher neighbour;
`soft`: soft-argmax in a window around the maximum; `argmax`: the highest pixel itself."""


class Points(NamedTuple):
    """Decoded points.

    Attributes:
        xy: `(N, K, 2)` in heatmap pixels, centres at integers.
        score: `(N, K)`, the peak value of each map.
    """

    xy: Tensor
    score: Tensor


@torch.no_grad()
def decode(heatmaps: Tensor, method: DecodeMethod = "dark", sigma: float = 2.0) -> Points:
    """Locate each heatmap's peak with sub-pixel precision.

        >>> import torch
        >>> from ceph_pipeline.heatmaps import encode
        >>> decode(encode(torch.tensor([[[12.3, 7.8]]]), size=(32, 32), sigma=2.0)).xy.round(decimals=2)
        tensor([[[12.3000,  7.8000]]])

    Args:
        heatmaps: `(N, K, h, w)` with positive peaks, of any scale (`soft` expects peaks near 1). Computed in at least float32.
        method: Method of sub-pixel localisation; see `DecodeMethod`.
        sigma: Standard deviation the maps were encoded with, in heatmap pixels; sets the windows of `dark` and `soft`.

    Returns:
        `xy` `(N, K, 2)` in heatmap pixels (centres at integers) and `score` `(N, K)`, the peak value. A map without a
        peak has score 0 and no meaningful position. A map with a NaN has NaN as position and score. Within 1 px of the border,
        and where there is no clear peak, `dark` falls back to `quarter`; on the border, `quarter` returns the highest pixel.

    Raises:
        ValueError: heatmaps are not 4-D, or smaller than 3 × 3; the method is unknown; sigma is not above 0.

    Source: Zhang et al., Distribution-Aware Coordinate Representation (DARK), CVPR 2020.
    """
    _check(heatmaps, method, sigma)
    positions, score = peaks(heatmaps)
    with torch.autocast(heatmaps.device.type, enabled=False):  # half precision has 3 digits, too few for sub-pixel positions
        xy = _LOCATE[method](heatmaps, positions, sigma)
    unknown = score.isnan()  # the maximum of a map with a NaN is NaN
    return Points(at_least_float32(xy).masked_fill(unknown[..., None], torch.nan), at_least_float32(score))


def _check(heatmaps: Tensor, method: str, sigma: float) -> None:
    if heatmaps.ndim != 4:
        raise InvalidValueError(f"heatmaps have shape {tuple(heatmaps.shape)}, expected 4 dimensions (N, K, h, w).")
    if min(heatmaps.shape[-2:]) < 3:
        raise InvalidValueError(f"heatmaps are {tuple(heatmaps.shape[-2:])} (h, w), expected at least 3 × 3 pixels.")
    if method not in get_args(DecodeMethod):
        raise InvalidValueError(f"unknown decode method {method!r}, expected one of {', '.join(get_args(DecodeMethod))}.")
    if not sigma > 0:
        raise InvalidValueError(f"sigma is {sigma} px, expected the standard deviation the maps were encoded with, above 0.")


def _argmax(heatmaps: Tensor, positions: Tensor, sigma: float) -> Tensor:
    del heatmaps, sigma
    return positions


def _quarter(heatmaps: Tensor, positions: Tensor, sigma: float) -> Tensor:
    """A quarter pixel towards the higher neighbour on each axis; 0 at the map's edge."""
    del sigma
    values, inside = gather_windows(heatmaps, *window_coordinates(positions, 1))
    slopes = torch.stack([values[..., 1, 2] - values[..., 1, 0], values[..., 2, 1] - values[..., 0, 1]], dim=-1)
    has_neighbours = inside.all(-1).all(-1).unsqueeze(-1)
    return positions + 0.25 * slopes.sign().float() * has_neighbours


def _dark(heatmaps: Tensor, positions: Tensor, sigma: float) -> Tensor:
    offsets, usable = dark_offsets(heatmaps, positions, sigma)
    return (positions + offsets).where(usable.unsqueeze(-1), _quarter(heatmaps, positions, sigma))


def _soft(heatmaps: Tensor, positions: Tensor, sigma: float) -> Tensor:
    del positions
    return local_soft_argmax(at_least_float32(heatmaps), sigma)


_LOCATE: dict[DecodeMethod, Callable[[Tensor, Tensor, float], Tensor]] = {
    "dark": _dark,
    "argmax": _argmax,
    "quarter": _quarter,
    "soft": _soft,
}

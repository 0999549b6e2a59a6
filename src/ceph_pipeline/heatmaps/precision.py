"""The precision that heatmaps are computed in."""

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Values as float32, and float64 as it is."""
    return values if values.dtype == torch.float64 else values.float()

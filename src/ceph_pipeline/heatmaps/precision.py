"""Numerical precision of heatmap computations."""

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Values converted to float32; float64 values are returned unchanged."""
    return values if values.dtype == torch.float64 else values.float()

"""What travels from the loader to the network."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Batch(NamedTuple):
    """Inputs and targets of one step.

    Attributes:
        images: `(N, 1, H, W)` float32, normalised grey levels.
        points: `(N, K, 2)` float32 targets in input px; NaN where missing. K is 1 for crops.
        to_original: `(N, 2, 3)` float32 maps from input px to px of the original image.
        pixel_size_mm: `(N,)` float32, NaN where unknown.
        landmark: `(N,)` int64, which landmark a crop shows; zeros for whole images.
        cvm_stage: `(N,)` int64, 1–6, or 0 where unknown.
        measurements: `(N, M)` float32 z-scores, NaN where unknown; M is 0 without that head.
    """

    images: Tensor
    points: Tensor
    to_original: Tensor
    pixel_size_mm: Tensor
    landmark: Tensor
    cvm_stage: Tensor
    measurements: Tensor


def concatenate(parts: list[Batch]) -> Batch:
    """Join the batches of several samples along N."""
    return Batch(*(torch.cat(fields) for fields in zip(*parts, strict=True)))


def sample_rng(seed: int, epoch: int, item: int) -> np.random.Generator:
    """The generator of one sample in one epoch, the same whatever the number of workers."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch, item]))

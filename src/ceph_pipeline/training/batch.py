"""Batches of inputs and targets, from the data loader to the network."""

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
        long_side_px: `(N,)` float32, the longer side of the original image.
        landmark: `(N,)` int64, index of the landmark in a crop; zeros for whole images.
        cvm_stage: `(N,)` int64, 1–6, or 0 where unknown.
        measurements: `(N, M)` float32 z-scores, NaN where unknown; M is 0 without a measurement head.
    """

    images: Tensor
    points: Tensor
    to_original: Tensor
    pixel_size_mm: Tensor
    long_side_px: Tensor
    landmark: Tensor
    cvm_stage: Tensor
    measurements: Tensor


class LocatedBatch(NamedTuple):
    """Predicted landmarks of one validation batch.

    Attributes:
        found: `(N, K, 2)` in input px.
        truth: `(N, K, 2)` in input px, NaN where missing.
        error_px: `(N, K)` distances in px of the originals, NaN where the truth is missing.
        error_mm: `(N, K)` distances in mm, NaN where the truth is missing or the pixel size is unknown.
        peak: `(N, K)` maximum of each heatmap.
    """

    found: Tensor
    truth: Tensor
    error_px: Tensor
    error_mm: Tensor
    peak: Tensor


def concatenate(parts: list[Batch]) -> Batch:
    """Join the batches of several samples along N."""
    return Batch(*(torch.cat(fields) for fields in zip(*parts, strict=True)))


def sample_rng(seed: int, turn: int, item: int) -> np.random.Generator:
    """The random generator of one turn of an item; independent of the number of workers."""
    return np.random.default_rng(np.random.SeedSequence([seed, turn, item]))

"""Heads: heatmaps from fused features, the CVM stage from pooled features, and measurements from heatmaps."""

import torch
from torch import Tensor, nn

from ceph_pipeline.heatmaps import Activation, decode, to_heatmaps

MAP_INIT_STD = 1e-3
"""Standard deviation of the last convolution's initial weights: initial maps are near 0, like most pixels of a target."""


class HeatmapHead(nn.Module):
    """Computes one map for each landmark with a 1 × 1 convolution.

    Args:
        width: Channels of the features.
        n_landmarks: K.
        dropout: Share of feature channels dropped while training, in [0, 1).
    """

    def __init__(self, width: int, n_landmarks: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout2d(dropout)
        self.maps = nn.Conv2d(width, n_landmarks, 1)
        nn.init.normal_(self.maps.weight, std=MAP_INIT_STD)
        self.maps.bias = nn.Parameter(torch.zeros(n_landmarks))

    def forward(self, fused: Tensor) -> Tensor:
        """Logits `(N, K, h, w)`, in float32 also under autocast.

        Sub-pixel decoding uses the curvature of the log-heatmap; bfloat16's 8 bits would shift points by up to 0.1 px.
        """
        with torch.autocast(fused.device.type, enabled=False):
            logits: Tensor = self.maps(self.drop(fused).float())
        return logits


class CvmHead(nn.Module):
    """Ordinal CVM stage: one score per image, and one threshold for each binary classification "the stage is above s".

    The score is shared and the thresholds are sorted. The classifications are therefore consistent: the probability of a stage
    above 3 never exceeds the probability of a stage above 2.

    Source: Cao et al., Rank consistent ordinal regression (CORAL), Pattern Recognition Letters 2020.
    """

    def __init__(self, channels: int, n_stages: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(channels, 1, bias=False)
        self.thresholds = nn.Parameter(torch.linspace(1, -1, n_stages - 1))

    def forward(self, pooled: Tensor) -> Tensor:
        """Cumulative logits `(N, S − 1)`."""
        score: Tensor = self.score(self.drop(pooled))
        return score + self.thresholds.sort(descending=True).values


TYPICAL_DISTANCE, DISTANCE_SPREAD = 0.23, 0.08
"""Mean and standard deviation of the distance between two landmarks, as shares of the map's longer side.

Measured on 29 landmarks of phantoms (synthetic cephalograms)."""


class DistanceHead(nn.Module):
    """Computes z-scored measurements with a linear layer from the distances between all pairs of decoded landmarks.

    Pooled features contain no positions. Distances do, and they are invariant to rotation and mirroring of the face. No
    gradient reaches the maps, which are trained on the landmarks only.

    Args:
        n_landmarks: K, at least 2.
        n_measurements: M.
        activation: The function from logits to heatmaps.
        sigma: Standard deviation of the maps' targets, in heatmap pixels.
    """

    pairs: Tensor

    def __init__(self, n_landmarks: int, n_measurements: int, activation: Activation, sigma: float) -> None:
        super().__init__()
        self.activation, self.sigma = activation, sigma
        self.register_buffer("pairs", torch.triu_indices(n_landmarks, n_landmarks, offset=1), persistent=False)
        self.values = nn.Linear(self.pairs.shape[1], n_measurements)

    def forward(self, logits: Tensor) -> Tensor:
        """Measurements `(N, M)`, z-scored, of maps `(N, K, h, w)`; in float32 also under autocast."""
        with torch.autocast(logits.device.type, enabled=False):
            maps = to_heatmaps(logits.detach().float(), self.activation, self.sigma)
            found = decode(maps, sigma=self.sigma).xy / max(logits.shape[-2:])
            first, second = self.pairs
            distances = torch.linalg.vector_norm(found[:, first] - found[:, second], dim=-1)
            values: Tensor = self.values((distances - TYPICAL_DISTANCE) / DISTANCE_SPREAD)
        return values

"""Heads: heatmaps from fused features, the CVM stage and measurements from pooled ones."""

import torch
from torch import Tensor, nn

from ceph_pipeline.heatmaps import Activation, decode, to_heatmaps

MAP_INIT_STD = 1e-3
"""Standard deviation of the last convolution's initial weights: the first maps are near 0, as nearly all of a target is."""


class HeatmapHead(nn.Module):
    """One map for each landmark by a 1 × 1 convolution.

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

        Sub-pixel decoding reads the curvature of the log-heatmap; bfloat16's 8 bits would shift its answers by up to 0.1 px.
        """
        with torch.autocast(fused.device.type, enabled=False):
            logits: Tensor = self.maps(self.drop(fused).float())
        return logits


class CvmHead(nn.Module):
    """Ordinal CVM stage: one score for an image, and one threshold for each question "is the stage above s?".

    The score is shared and the thresholds are sorted, so that the answers are consistent by construction: who is above stage 3
    is above stage 2.

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
"""Mean and standard deviation of two landmarks' distance, as shares of the map's longer side (29 landmarks of phantoms)."""


class DistanceHead(nn.Module):
    """Z-scored measurements by a linear layer on the distances of all pairs of landmarks, as the network's own maps show them.

    Pooled features do not say where anything lies; distances do, and are the same however the face is turned or mirrored.
    Nothing is passed back to the maps: these are taught by the landmarks alone.

    Args:
        n_landmarks: K, at least 2.
        n_measurements: M.
        activation: What the maps' logits are.
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

"""Heads: heatmaps from fused features, the CVM stage and measurements from pooled ones."""

import torch
from torch import Tensor, nn

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

    Sharing the score keeps the answers consistent: who is above stage 3 is above stage 2.

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
        return score + self.thresholds


class MeasurementHead(nn.Module):
    """Z-scored measurements by a linear layer."""

    def __init__(self, channels: int, n_measurements: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.values = nn.Linear(channels, n_measurements)

    def forward(self, pooled: Tensor) -> Tensor:
        """Measurements `(N, M)`, z-scored."""
        values: Tensor = self.values(self.drop(pooled))
        return values

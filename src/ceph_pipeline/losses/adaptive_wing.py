"""Adaptive Wing loss on heatmaps."""

from torch import Tensor

from ceph_pipeline.losses.masking import MaskedLoss


class AdaptiveWingLoss(MaskedLoss):
    """Wing loss whose shape depends on the target pixel: steep at the peak, flat on the background.

    With d = |target − prediction| and p = α − target: `ω · ln(1 + (d / ε)^p)` for d < θ, else `A · d − C`, where A and C
    continue the first branch with its slope at θ.

        >>> import torch
        >>> AdaptiveWingLoss()(torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 0.5], [0.0, 0.1]]]]))
        tensor(3.5975)

    Source: Wang et al., Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression, ICCV 2019.
    """

    def __init__(self, alpha: float = 2.1, omega: float = 14.0, epsilon: float = 1.0, theta: float = 0.5) -> None:
        super().__init__()
        self.alpha = alpha
        self.omega = omega
        self.epsilon = epsilon
        self.theta = theta

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss `(N, K)` of heatmaps against maps `(N, K, h, w)` in [0, 1]; for other shapes, the loss of each value."""
        losses = self.pixelwise(prediction, target)
        return losses.flatten(2).mean(dim=-1) if losses.ndim > 2 else losses

    def pixelwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss of each pixel, same shape."""
        power = self.alpha - target
        at_theta = (self.theta / self.epsilon) ** power
        slope = self.omega * power * at_theta / (self.theta * (1 + at_theta))
        intercept = self.theta * slope - self.omega * at_theta.log1p()
        distance = (target - prediction).abs()
        near = self.omega * ((distance / self.epsilon) ** power).log1p()
        return near.where(distance < self.theta, slope * distance - intercept)

"""Adaptive Wing loss on heatmaps."""

from torch import Tensor, nn

from ceph_pipeline.losses.masking import at_least_float32, hide_missing, masked_mean, require_same_shape


class AdaptiveWingLoss(nn.Module):
    """Wing loss whose shape follows the target pixel: strict on the peak, forgiving on the background.

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

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, count: Tensor | None = None) -> Tensor:
        """Mean over the pixels of the visible maps, computed in float32 at least.

        Args:
            prediction: Heatmaps `(N, K, h, w)` (without a mask: any shape).
            target: The same shape, in [0, 1].
            mask: `(N, K)`, false where a landmark is missing.
            count: What the sum over the visible maps is divided by; None for their number.

        Returns:
            A scalar of the prediction's dtype.
        """
        require_same_shape(prediction, target)
        wide = at_least_float32(prediction)
        losses = self.pixelwise(wide, hide_missing(target.to(wide.dtype), mask))
        if mask is None:
            return losses.mean().to(prediction.dtype)
        return masked_mean(losses.flatten(2).mean(dim=-1), mask, count).to(prediction.dtype)

    def pixelwise(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss of each pixel, same shape."""
        power = self.alpha - target
        at_theta = (self.theta / self.epsilon) ** power
        slope = self.omega * power * at_theta / (self.theta * (1 + at_theta))
        intercept = self.theta * slope - self.omega * at_theta.log1p()
        distance = (target - prediction).abs()
        near = self.omega * ((distance / self.epsilon) ** power).log1p()
        return near.where(distance < self.theta, slope * distance - intercept)

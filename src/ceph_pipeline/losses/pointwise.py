"""What losses on coordinates have in common."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from ceph_pipeline.losses.masking import at_least_float32, hide_missing, masked_mean, require_same_shape


class PointwiseLoss(nn.Module, ABC):
    """A loss of each coordinate's error by itself."""

    @abstractmethod
    def pointwise(self, error: Tensor) -> Tensor:
        """The loss of each signed error, same shape."""

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, count: Tensor | None = None) -> Tensor:
        """Mean over the visible points of the sum over x and y.

        Args:
            prediction: `(N, K, 2)`.
            target: `(N, K, 2)`; anything, NaN too, where the mask is false.
            mask: `(N, K)`, false where a landmark is missing.
            count: What the sum over the visible points is divided by; None for their number.

        Returns:
            A scalar of the prediction's dtype.
        """
        require_same_shape(prediction, target)
        wide = at_least_float32(prediction)
        points = self.pointwise(wide - hide_missing(target.to(wide.dtype), mask)).sum(dim=-1)
        return masked_mean(points, mask, count).to(prediction.dtype)

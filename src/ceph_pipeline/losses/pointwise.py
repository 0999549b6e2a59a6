"""What losses on coordinates have in common."""

from abc import abstractmethod

from torch import Tensor

from ceph_pipeline.losses.masking import MaskedLoss


class PointwiseLoss(MaskedLoss):
    """A loss of each coordinate's error by itself."""

    @abstractmethod
    def pointwise(self, error: Tensor) -> Tensor:
        """The loss of each signed error, same shape."""

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss `(N, K)` of points `(N, K, 2)`: the sum over x and y."""
        return self.pointwise(prediction - target).sum(dim=-1)

"""Base class of losses on coordinates."""

from abc import abstractmethod

from torch import Tensor

from ceph_pipeline.losses.masking import MaskedLoss


class PointwiseLoss(MaskedLoss):
    """A loss that is computed for each coordinate's error separately."""

    @abstractmethod
    def pointwise(self, error: Tensor) -> Tensor:
        """The loss of each signed error, same shape."""

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss `(N, K)` of points `(N, K, 2)`: the sum over x and y."""
        return self.pointwise(prediction - target).sum(dim=-1)

"""Means over visible landmarks and known targets."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, distributed, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.heatmaps.precision import at_least_float32


class MaskedLoss(nn.Module, ABC):
    """Base class of losses that are a mean over the visible landmarks."""

    @abstractmethod
    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss `(N, K)` of each landmark; the target of a missing landmark is 0."""

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, count: Tensor | None = None) -> Tensor:
        """The mean, computed in at least float32.

        Args:
            prediction: `(N, K, …)`: heatmaps or logits `(N, K, h, w)`, or points `(N, K, 2)`, depending on the loss.
            target: The same shape; any value, also NaN, where the mask is false.
            mask: `(N, K)`, false where a landmark is missing.
            count: Divisor of the sum over the visible landmarks; None for their number.

        Returns:
            A scalar of the prediction's dtype.
        """
        require_same_shape(prediction, target)
        wide = at_least_float32(prediction)
        return masked_mean(self.each(wide, hide_missing(target.to(wide.dtype), mask)), mask, count).to(prediction.dtype)


def masked_mean(values: Tensor, mask: Tensor | None, count: Tensor | None = None) -> Tensor:
    """Mean of the values where the mask is true; 0 with gradients of 0 if the mask is false everywhere.

    Args:
        values: Any shape; may be NaN where the mask is false.
        mask: Boolean, the same shape; None includes every value.
        count: Divisor of the sum; None for the number of included values.

    Raises:
        ValueError: the shapes differ.
    """
    if mask is None:
        return values.mean() if count is None else values.sum() / count
    if mask.shape != values.shape:
        raise InvalidValueError(f"the mask has shape {tuple(mask.shape)}, expected {tuple(values.shape)}: one flag per landmark.")
    visible = mask.bool()
    return values.where(visible, 0).sum() / (visible.sum() if count is None else count).clamp_min(1e-6)


@torch.no_grad()
def mean_over_ranks(total: Tensor) -> Tensor:
    """A total, such as the number of visible points, averaged over the ranks of a distributed training.

    Distributed training averages the ranks' gradients. If each rank divides its sum by this mean count, the averaged gradient
    is that of the sum over all ranks divided by the count over all ranks. Each visible point then has the same weight.

    Args:
        total: A scalar. Every rank has to call the function, also a rank without a visible point. Outside distributed training
            the total is returned unchanged.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return total
    shared = total.double() if total.device.type != "mps" else total.float()
    distributed.all_reduce(shared)
    return shared.to(torch.float32) / distributed.get_world_size()


def hide_missing(target: Tensor, mask: Tensor | None) -> Tensor:
    """The target with missing values replaced with zeros, so that NaN reaches neither the loss nor its gradient.

    Args:
        target: `(N, K, ...)`.
        mask: `(N, K)`, false where a landmark is missing; None: the target is unchanged.
    """
    if mask is None:
        return target
    return target.where(mask.bool().reshape(mask.shape + (1,) * (target.ndim - mask.ndim)), 0)


def require_same_shape(prediction: Tensor, target: Tensor) -> None:
    """Reject targets that would be broadcast.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != target.shape:
        raise InvalidValueError(
            f"the prediction has shape {tuple(prediction.shape)}, the target {tuple(target.shape)}; they must agree."
        )

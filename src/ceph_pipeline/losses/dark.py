"""The heatmap term: squared error against the unbiased Gaussian."""

from torch import Tensor

from ceph_pipeline.losses.masking import MaskedLoss


class DarkLoss(MaskedLoss):
    """Squared error of each map divided by the target's energy, `Σ(p − g)² / Σg²`, so that an empty map costs 1.

    A mean over all pixels would be below 0.001 for an empty map of 128² pixels, negligible next to any other term. The target is
    the Gaussian at the sub-pixel position, which DARK decoding inverts.

        >>> import torch
        >>> DarkLoss()(torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 0.5], [0.5, 0.25]]]]))
        tensor(1.)
    """

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss `(N, K)` of heatmaps against peak-1 Gaussians `(N, K, h, w)`."""
        energy = target.square().sum(dim=(-2, -1)).clamp_min(1e-6)
        return (prediction - target).square().sum(dim=(-2, -1)) / energy

"""The heatmap term: squared error against the unbiased Gaussian."""

from torch import Tensor, nn

from ceph_pipeline.losses.masking import at_least_float32, hide_missing, masked_mean, require_same_shape


class DarkLoss(nn.Module):
    """Squared error of each map over the target's own energy, `Σ(p − g)² / Σg²`, so that an empty map costs 1.

    A mean over all pixels would be below 0.001 for an empty map of 128² pixels, and vanish beside any other term. The
    target is the Gaussian at the sub-pixel position, which DARK decoding inverts.

        >>> import torch
        >>> DarkLoss()(torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 0.5], [0.5, 0.25]]]]))
        tensor(1.)
    """

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, count: Tensor | None = None) -> Tensor:
        """Mean over the visible maps, computed in float32 at least.

        Args:
            prediction: Heatmaps `(N, K, h, w)`.
            target: The same shape, peak-1 Gaussians.
            mask: `(N, K)`, false where a landmark is missing.
            count: What the sum over the visible maps is divided by; None for their number.

        Returns:
            A scalar of the prediction's dtype.
        """
        require_same_shape(prediction, target)
        wide = at_least_float32(prediction)
        target = hide_missing(target.to(wide.dtype), mask)
        energy = target.square().sum(dim=(-2, -1)).clamp_min(1e-6)
        error = (wide - target).square().sum(dim=(-2, -1))
        return masked_mean(error / energy, mask, count).to(prediction.dtype)

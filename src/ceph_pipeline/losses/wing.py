"""Wing loss on coordinates."""

import math

import torch
from torch import Tensor, nn

from ceph_pipeline.losses.masking import at_least_float32, hide_missing, masked_mean, require_same_shape


class WingLoss(nn.Module):
    """Logarithmic near zero, linear beyond `width`: small errors keep a pull that the absolute error would not give them.

    `w · ln(1 + |x| / ε)` for |x| < w, else `|x| − C` with `C = w − w · ln(1 + w / ε)`.

        >>> WingLoss()(torch.tensor([[[0.5, 0.0]]]), torch.zeros(1, 1, 2))
        tensor(2.2314)

    Args:
        width: w, in the coordinates' unit, above 0.
        curvature: ε, in the same unit, above 0.

    Raises:
        ValueError: width or curvature is not above 0.

    Source: Feng et al., Wing Loss for Robust Facial Landmark Localisation, CVPR 2018.
    """

    def __init__(self, width: float = 10.0, curvature: float = 2.0) -> None:
        super().__init__()
        if not (width > 0 and curvature > 0):
            raise ValueError(f"Wing loss has width {width} and curvature {curvature}, expected both above 0.")
        self.width = width
        self.curvature = curvature
        self.offset = width - width * math.log1p(width / curvature)

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

    def pointwise(self, error: Tensor) -> Tensor:
        """The loss of each signed error, same shape."""
        size = error.abs()
        return torch.where(size < self.width, self.width * torch.log1p(size / self.curvature), size - self.offset)

"""Plain regressions of coordinates."""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from ceph_pipeline.losses.masking import at_least_float32, hide_missing, masked_mean, require_same_shape


class CoordinateLoss(nn.Module):
    """Squared or smooth absolute error of each coordinate.

    `smooth_l1` is x² / 2 below 1 and |x| − ½ beyond, `mse` is x².

        >>> CoordinateLoss("smooth_l1")(torch.tensor([[[3.0, 0.0]]]), torch.zeros(1, 1, 2))
        tensor(2.5000)

    Args:
        kind: Which of the two.
    """

    def __init__(self, kind: Literal["smooth_l1", "mse"]) -> None:
        super().__init__()
        self.pointwise = functional.smooth_l1_loss if kind == "smooth_l1" else functional.mse_loss

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
        points = self.pointwise(wide, hide_missing(target.to(wide.dtype), mask), reduction="none").sum(dim=-1)
        return masked_mean(points, mask, count).to(prediction.dtype)

"""The combined landmark loss: heatmaps and coordinates."""

from torch import Tensor, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.heatmaps import decode, encode, local_soft_argmax
from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.losses.dark import DarkLoss
from ceph_pipeline.losses.wing import WingLoss

SHARPNESS = 6.0
"""Sharpness of the Wing term's soft-argmax. A low sharpness distributes the gradient over many pixels, with a bias of 0.03 px.
Near the truth its gradient still exceeds the heatmap term's, by the factor σ² over the error (docs/networks.md)."""


class CombinedLoss(nn.Module):
    """`dark_weight · Dark + wing_weight · Wing / Wing(1 px)`; both terms are of the order of 1.

    The heatmap term acts on the maps; the Wing term acts on the coordinates of a local soft-argmax, in heatmap px. While the
    maps are still flat, their maxima are arbitrary. Training therefore increases the Wing term gradually with `ramp`.

        >>> import torch
        >>> from ceph_pipeline.heatmaps import encode
        >>> points = torch.tensor([[[8.0, 8.0]]])
        >>> bool(CombinedLoss()(encode(points, (16, 16), 2.0), points) < 1e-3)
        True

    Args:
        dark_weight: Weight of the heatmap term, at least 0.
        wing_weight: Weight of the coordinate term at full ramp, at least 0.
        sigma: Standard deviation of the target Gaussians, in heatmap pixels.
        width: Wing's w, in heatmap pixels.
        curvature: Wing's ε, in heatmap pixels.

    Raises:
        ValueError: a weight is negative, or both are 0.
    """

    def __init__(
        self,
        dark_weight: float = 0.5,
        wing_weight: float = 0.5,
        *,
        sigma: float = 2.0,
        width: float = 10.0,
        curvature: float = 2.0,
    ) -> None:
        super().__init__()
        if min(dark_weight, wing_weight) < 0 or dark_weight + wing_weight == 0:
            raise InvalidValueError(
                f"the combined loss has weights {dark_weight} and {wing_weight}, expected none below 0 and one above it."
            )
        self.dark_weight = dark_weight
        self.wing_weight = wing_weight
        self.sigma = sigma
        self.dark = DarkLoss()
        self.wing = WingLoss(width, curvature)

    def forward(
        self,
        prediction: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
        *,
        ramp: float = 1.0,
        count: Tensor | None = None,
    ) -> Tensor:
        """The weighted sum.

        Args:
            prediction: Heatmaps `(N, K, h, w)` with a target peak of 1.
            target: Points `(N, K, 2)` in heatmap pixels, or the heatmaps `(N, K, h, w)` that they are encoded as.
            mask: `(N, K)`, false where a landmark is missing.
            ramp: Factor in [0, 1] on the Wing term.
            count: Divisor of the sums over the visible landmarks; None for their number.

        Returns:
            A scalar of the prediction's dtype.
        """
        return self.weigh(*self.terms(prediction, target, mask, count=count), ramp).to(prediction.dtype)

    def weigh(self, dark: Tensor, wing: Tensor, ramp: float) -> Tensor:
        """The total of the two terms."""
        return self.dark_weight * dark + ramp * self.wing_weight * wing

    def terms(
        self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, count: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The two terms before weighting, in at least float32. An empty map costs 1; an error of 1 px along an axis costs 1."""
        prediction = at_least_float32(prediction)
        if target.ndim == prediction.ndim:
            maps, points = target, decode(target, "dark", self.sigma).xy
        else:
            maps, points = encode(target, (prediction.shape[-2], prediction.shape[-1]), self.sigma), target
        one_pixel = float(self.wing.pointwise(prediction.new_ones(())))
        located = local_soft_argmax(prediction, self.sigma, SHARPNESS)
        dark = self.dark(prediction, maps.to(prediction.dtype), mask, count=count)
        return dark, self.wing(located, points, mask, count=count) / one_pixel

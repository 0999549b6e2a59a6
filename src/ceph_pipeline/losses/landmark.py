"""One signature for every landmark loss that training can choose."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from torch import Tensor, nn

from ceph_pipeline.heatmaps import encode
from ceph_pipeline.losses.adaptive_wing import AdaptiveWingLoss
from ceph_pipeline.losses.combined import CombinedLoss
from ceph_pipeline.losses.cross_entropy import SoftmaxCrossEntropy
from ceph_pipeline.losses.dark import DarkLoss
from ceph_pipeline.losses.masking import at_least_float32

LossKind = Literal["combined", "dark", "cross_entropy", "adaptive_wing"]
Activation = Literal["linear", "softmax"]


_HEATMAP_LOSSES: dict[LossKind, Callable[..., nn.Module]] = {
    "dark": DarkLoss,
    "cross_entropy": SoftmaxCrossEntropy,
    "adaptive_wing": AdaptiveWingLoss,
}


class LandmarkLoss(NamedTuple):
    """What a batch costs.

    Attributes:
        total: Scalar to minimise, float32 at least.
        terms: Its parts before weighting, detached, for the log.
    """

    total: Tensor
    terms: dict[str, Tensor]


class LandmarkLossModule(nn.Module):
    """A landmark loss on a network's logits and target points; made by `create_loss`.

    Attributes:
        activation: What turns the logits into heatmaps: `linear` (they are heatmaps) or `softmax` over each map.
    """

    def __init__(self, kind: LossKind, sigma: float, **settings: float) -> None:
        super().__init__()
        self.kind = kind
        self.sigma = sigma
        self.activation: Activation = "softmax" if kind == "cross_entropy" else "linear"
        self.loss: nn.Module = CombinedLoss(sigma=sigma, **settings) if kind == "combined" else _HEATMAP_LOSSES[kind](**settings)

    def forward(self, logits: Tensor, points: Tensor, mask: Tensor, ramp: float = 1.0) -> LandmarkLoss:
        """The loss of one batch.

        Args:
            logits: `(N, K, h, w)`, the network's raw maps.
            points: `(N, K, 2)` in heatmap pixels; anything, NaN too, where the mask is false.
            mask: `(N, K)`, false where a landmark is missing.
            ramp: Factor in [0, 1] on the coordinate term of `combined`; the other kinds have none.

        Returns:
            The total and its terms. A batch without a visible landmark costs 0.
        """
        logits = at_least_float32(logits)
        if isinstance(self.loss, CombinedLoss):
            dark, wing = self.loss.terms(logits, points, mask)
            total = self.loss.dark_weight * dark + ramp * self.loss.wing_weight * wing
            return LandmarkLoss(total, {"dark": dark.detach(), "wing": wing.detach()})
        target = encode(points, (logits.shape[-2], logits.shape[-1]), self.sigma).to(logits.dtype)
        total = self.loss(logits, target, mask)
        return LandmarkLoss(total, {self.kind: total.detach()})


def create_loss(kind: LossKind, sigma: float, **settings: float) -> LandmarkLossModule:
    """The landmark loss that a configuration names.

    Args:
        kind: `combined`, `dark`, `cross_entropy` or `adaptive_wing`.
        sigma: Standard deviation of the target Gaussians, in heatmap pixels.
        settings: Constructor arguments of that loss, such as `wing_weight` of `combined` or `alpha` of `adaptive_wing`.

    Raises:
        ValueError: the kind is unknown, or sigma is not above 0.
        TypeError: the loss has no such setting.
    """
    if kind not in get_args(LossKind):
        raise ValueError(f"unknown landmark loss {kind!r}, expected one of {', '.join(get_args(LossKind))}.")
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma} px, expected a standard deviation above 0.")
    return LandmarkLossModule(kind, sigma, **settings)

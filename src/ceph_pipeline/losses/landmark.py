"""A common interface for the landmark losses that training can use."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from torch import Tensor, nn

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.heatmaps import Activation, encode, spatial_moments
from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.losses.absent import absent_cost
from ceph_pipeline.losses.adaptive_wing import AdaptiveWingLoss
from ceph_pipeline.losses.combined import CombinedLoss
from ceph_pipeline.losses.coordinates import CoordinateLoss
from ceph_pipeline.losses.cross_entropy import SoftmaxCrossEntropy
from ceph_pipeline.losses.dark import DarkLoss
from ceph_pipeline.losses.masking import mean_over_ranks
from ceph_pipeline.losses.wing import WingLoss

LossKind = Literal["combined", "dark", "cross_entropy", "adaptive_wing", "wing", "smooth_l1", "mse"]
"""`wing`, `smooth_l1` and `mse` act on coordinates, the means of a softmax over each map; the others on heatmaps."""

_LOSSES: dict[LossKind, Callable[..., nn.Module]] = {
    "combined": CombinedLoss,
    "dark": DarkLoss,
    "cross_entropy": SoftmaxCrossEntropy,
    "adaptive_wing": AdaptiveWingLoss,
    "wing": WingLoss,
    "smooth_l1": lambda: CoordinateLoss("smooth_l1"),
    "mse": lambda: CoordinateLoss("mse"),
}
_ACTIVATIONS: dict[LossKind, Activation] = {
    "cross_entropy": "softmax",
    "wing": "integral",
    "smooth_l1": "integral",
    "mse": "integral",
}


class LandmarkLoss(NamedTuple):
    """Loss of a batch.

    Attributes:
        total: Scalar to minimise, at least float32.
        terms: The terms before weighting, detached, for the log.
    """

    total: Tensor
    terms: dict[str, Tensor]


class LandmarkLossModule(nn.Module):
    """A landmark loss on a network's logits and target points; made by `create_loss`.

    Attributes:
        activation: How the logits are interpreted; `to_heatmaps` converts the logits to heatmaps.
    """

    def __init__(self, kind: LossKind, sigma: float, *, absent_weight: float = 0.0, **settings: float) -> None:
        super().__init__()
        self.absent_weight = absent_weight
        self.kind = kind
        self.sigma = sigma
        self.activation = activation_of(kind)
        self.loss: nn.Module = _LOSSES[kind](**(settings | {"sigma": sigma} if kind == "combined" else settings))

    def forward(
        self,
        logits: Tensor,
        points: Tensor,
        mask: Tensor,
        ramp: float = 1.0,
        *,
        absent: Tensor | None = None,
        over_ranks: bool = False,
    ) -> LandmarkLoss:
        """The loss of one batch.

        Args:
            logits: `(N, K, h, w)`, the network's raw maps.
            points: `(N, K, 2)` in heatmap pixels; any value, also NaN, where the mask is false.
            mask: `(N, K)`, false where a landmark is missing.
            ramp: Factor in [0, 1] on the coordinate term of `combined`; the other kinds have none.
            absent: `(N, K)`, landmarks with an empty target map if `absent_weight` > 0; see `is_absent`. None: all missing.
            over_ranks: Divide by the mean number of visible points over all ranks of a distributed training. All ranks have to
                call the loss equally often; see `mean_over_ranks`.

        Returns:
            The total and its terms. A batch without a visible landmark has a loss of 0, or only the loss of absent landmarks.
        """
        logits = at_least_float32(logits)
        shown = self._of_visible(logits, points, mask, ramp, over_ranks=over_ranks)
        if not self.absent_weight:
            return shown
        absent = ~mask if absent is None else absent
        count = mean_over_ranks(absent.sum()) if over_ranks else None
        empty = absent_cost(logits, absent, self.activation, self.sigma, count=count)
        return LandmarkLoss(shown.total + self.absent_weight * empty, shown.terms | {"absent": empty.detach()})

    def _of_visible(self, logits: Tensor, points: Tensor, mask: Tensor, ramp: float, *, over_ranks: bool) -> LandmarkLoss:
        count = mean_over_ranks(mask.sum()) if over_ranks else None
        if isinstance(self.loss, CombinedLoss):
            dark, wing = self.loss.terms(logits, points, mask, count=count)
            return LandmarkLoss(self.loss.weigh(dark, wing, ramp), {"dark": dark.detach(), "wing": wing.detach()})
        if self.activation == "integral":
            total = self.loss(spatial_moments(logits).mean, points, mask, count=count)
        else:
            target = encode(points, (logits.shape[-2], logits.shape[-1]), self.sigma).to(logits.dtype)
            total = self.loss(logits, target, mask, count=count)
        return LandmarkLoss(total, {self.kind: total.detach()})


def activation_of(kind: LossKind) -> Activation:
    """The interpretation of logits that a loss trains, which decoding requires."""
    return _ACTIVATIONS.get(kind, "linear")


def create_loss(kind: LossKind, sigma: float, *, absent_weight: float = 0.0, **settings: float) -> LandmarkLossModule:
    """Create a landmark loss by its name.

    Args:
        kind: `combined`, `dark`, `cross_entropy` or `adaptive_wing` on heatmaps; `wing`, `smooth_l1` or `mse` on coordinates,
            in heatmap pixels.
        sigma: Standard deviation of the target Gaussians, in heatmap pixels.
        absent_weight: Weight of the maps of absent landmarks, whose target is empty; 0: no target. See `absent_cost`.
        settings: Constructor arguments of the loss, such as `wing_weight` of `combined` or `alpha` of `adaptive_wing`.

    Raises:
        ValueError: the kind is unknown, or sigma is not above 0.
        TypeError: the loss has no such setting.
    """
    if kind not in get_args(LossKind):
        raise InvalidValueError(f"unknown landmark loss {kind!r}, expected one of {', '.join(get_args(LossKind))}.")
    if not sigma > 0:
        raise InvalidValueError(f"sigma is {sigma} px, expected a standard deviation above 0.")
    return LandmarkLossModule(kind, sigma, absent_weight=absent_weight, **settings)

"""Losses of the CVM heads: the ordinal CVM stage and the vertical measurements."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.heatmaps.precision import at_least_float32
from ceph_pipeline.losses.masking import hide_missing, masked_mean, mean_over_ranks, require_same_shape


class OrdinalLoss(nn.Module):
    """Cross-entropy of the questions "is the stage above s?", for ordered stages 1…S.

    An error of two stages gets two questions wrong, and costs more than an error of one stage.

    Args:
        n_stages: S, at least 2.
        class_weights: Weight of each stage's images, S values above 0, for stages that occur unequally often.

    Raises:
        ValueError: fewer than 2 stages, or not one weight above 0 for each.

    Source: Cao et al., Rank consistent ordinal regression (CORAL), Pattern Recognition Letters 2020.
    """

    class_weights: Tensor

    def __init__(self, n_stages: int, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        weights = [1.0] * n_stages if class_weights is None else list(class_weights)
        if n_stages < 2 or len(weights) != n_stages or min(weights) <= 0:
            raise InvalidValueError(
                f"{n_stages} stages with class weights {weights}: expected at least 2 stages, a weight above 0 for each."
            )
        self.n_stages = n_stages
        self.register_buffer("class_weights", torch.tensor(weights), persistent=False)

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, over_ranks: bool = False) -> Tensor:
        """Weighted mean, over the images that have a stage, of the sum over the S − 1 questions.

        Args:
            prediction: Cumulative logits `(N, S − 1)`; column s − 1 is the logit of "above stage s".
            target: Stages `(N,)`, integers 1…S; any value where the mask is false.
            mask: `(N,)`, false where an image has no stage.
            over_ranks: Divide by the mean of the weights over all ranks; see `mean_over_ranks`.

        Returns:
            A scalar of the prediction's dtype; 0 if no image has a stage.
        """
        if prediction.shape != (len(target), self.n_stages - 1):
            raise InvalidValueError(
                f"cumulative logits have shape {tuple(prediction.shape)}, expected {(len(target), self.n_stages - 1)}."
            )
        visible = torch.ones_like(target, dtype=torch.bool) if mask is None else mask.bool()
        stages = target.long().where(visible, 1)
        wide = at_least_float32(prediction)
        above = (stages.unsqueeze(-1) > torch.arange(1, self.n_stages, device=stages.device)).to(wide.dtype)
        losses = functional.binary_cross_entropy_with_logits(wide, above, reduction="none").sum(dim=-1)
        weights = self.class_weights.to(wide.dtype)[stages - 1] * visible
        total = mean_over_ranks(weights.sum()) if over_ranks else weights.sum()
        return ((losses * weights).sum() / total.clamp_min(1e-6)).to(prediction.dtype)


def predicted_stage(cumulative_logits: Tensor) -> Tensor:
    """Stages `(N,)`, 1…S, from cumulative logits `(N, S − 1)`: one more than the number of positive logits."""
    return 1 + (cumulative_logits > 0).sum(dim=-1)


def stage_probabilities(cumulative_logits: Tensor) -> Tensor:
    """Probability of each stage: the difference of the probabilities of lying above the previous stage and above this stage.

    Negative differences, which occur where logits rise with the stage, are set to 0. Where the logits fall, `predicted_stage` is
    the median of this distribution, which is not necessarily the most probable stage.

        >>> stage_probabilities(torch.tensor([[0.0, float("-inf")]]))
        tensor([[0.5000, 0.5000, 0.0000]])

    Args:
        cumulative_logits: `(N, S − 1)`; column s − 1 is the logit of "above stage s".

    Returns:
        `(N, S)`, at least 0; each row sums to 1.
    """
    above = functional.pad(cumulative_logits.sigmoid(), (1, 1))
    above[..., 0] = 1
    between = (above[..., :-1] - above[..., 1:]).clamp_min(0)
    return between / between.sum(dim=-1, keepdim=True)


class MeasurementLoss(nn.Module):
    """Smooth L1 loss on z-scored measurements: squared below one standard deviation, linear above."""

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, over_ranks: bool = False) -> Tensor:
        """Mean over the known measurements.

        Args:
            prediction: `(N, M)`, z-scored.
            target: `(N, M)`, z-scored; any value, also NaN, where the mask is false.
            mask: `(N, M)`, false where a measurement is unknown.
            over_ranks: Divide by the mean number of known measurements over all ranks; see `mean_over_ranks`.

        Returns:
            A scalar of the prediction's dtype; 0 if no measurement is known.
        """
        require_same_shape(prediction, target)
        wide = at_least_float32(prediction)
        losses = functional.smooth_l1_loss(wide, hide_missing(target.to(wide.dtype), mask), reduction="none")
        known = torch.ones_like(losses, dtype=torch.bool) if mask is None else mask.bool()
        count = mean_over_ranks(known.sum()) if over_ranks else None
        return masked_mean(losses, known, count).to(prediction.dtype)

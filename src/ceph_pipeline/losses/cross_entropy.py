"""Cross-entropy of a spatial softmax."""

from torch import Tensor, nn

from ceph_pipeline.losses.masking import at_least_float32, hide_missing, masked_mean, require_same_shape


class SoftmaxCrossEntropy(nn.Module):
    """Each map is a distribution over its pixels, compared with the target map normalised to sum 1.

    At a perfect prediction the loss is the target's entropy, not 0: about `1 + ln(2π σ²)` for a Gaussian of σ px.
    """

    def forward(self, prediction: Tensor, target: Tensor, mask: Tensor | None = None, *, count: Tensor | None = None) -> Tensor:
        """Mean over the visible maps, computed in float32 at least.

        Args:
            prediction: Logits `(N, K, h, w)`.
            target: The same shape, not negative.
            mask: `(N, K)`, false where a landmark is missing.
            count: What the sum over the visible maps is divided by; None for their number.

        Returns:
            A scalar of the prediction's dtype.
        """
        require_same_shape(prediction, target)
        log_probabilities = at_least_float32(prediction).flatten(2).log_softmax(dim=-1)
        weights = hide_missing(target.to(log_probabilities.dtype), mask).flatten(2)
        losses = -(weights * log_probabilities).sum(dim=-1) / weights.sum(dim=-1).clamp_min(1e-6)
        return masked_mean(losses, mask, count).to(prediction.dtype)

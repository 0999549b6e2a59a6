"""Cross-entropy of a spatial softmax."""

from torch import Tensor

from ceph_pipeline.losses.masking import MaskedLoss


class SoftmaxCrossEntropy(MaskedLoss):
    """Each map is a distribution over its pixels, compared with the target map normalised to sum 1.

    At a perfect prediction the loss is the target's entropy, not 0: about `1 + ln(2π σ²)` for a Gaussian of σ px.
    """

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss `(N, K)` of logits against non-negative maps `(N, K, h, w)`."""
        log_probabilities, weights = prediction.flatten(2).log_softmax(dim=-1), target.flatten(2)
        return -(weights * log_probabilities).sum(dim=-1) / weights.sum(dim=-1).clamp_min(1e-6)

"""Metrics of each validation: the loss by term, errors and detection rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric

if TYPE_CHECKING:
    from ceph_pipeline.training.batch import Batch

SDR_MM = (2.0, 2.5, 3.0, 4.0)
"""Thresholds of the successful detection rates, `val/sdr_2mm`, `val/sdr_2.5mm` and so on."""

PCK_SHARE = 0.02
"""Share of the image's longer side within which a point counts as correct."""


class WeightedMean(Metric):
    """A weighted mean that is NaN if any value is NaN; torchmetrics' `MeanMetric` ignores the weights if NaN are allowed."""

    total: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        for state in ("total", "weight"):
            self.add_state(state, torch.zeros(()), dist_reduce_fx="sum")

    def update(self, value: Tensor, weight: Tensor | float) -> None:
        """Add a value."""
        self.total += value.float() * weight
        self.weight += weight

    def compute(self) -> Tensor:
        """The mean; NaN if the sum of the weights is 0."""
        return self.total / self.weight


class ValidationCurves(nn.Module):
    """Means over one validation.

    - `val/loss` and its terms `val/landmark`, `val/cvm` and `val/measurements`, each over the known targets
    - `val/mre_px`, in px of the originals
    - `val/pck`, the percentage of points within 2 % of the image's longer side
    - `val/mre_mm` and the detection rates at `SDR_MM`, over the images with known pixel size

    Metrics without any value, such as `val/cvm` without CVM stages, are not logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loss = WeightedMean()
        terms = {term: WeightedMean() for term in ("landmark", "cvm", "measurements")}
        self.terms = cast("dict[str, WeightedMean]", nn.ModuleDict(terms))
        self.mre_px, self.pck, self.mre_mm = (MeanMetric(nan_strategy="ignore") for _ in range(3))
        self.sdr = cast("list[MeanMetric]", nn.ModuleList(MeanMetric(nan_strategy="ignore") for _ in SDR_MM))

    def update(self, batch: Batch, total: Tensor, terms: dict[str, Tensor], error_px: Tensor) -> Tensor:
        """Add a batch.

        Args:
            batch: The batch, with its targets.
            total: The loss.
            terms: The loss's terms before weighting.
            error_px: `(N, K)` distances in px of the originals, NaN where the truth is missing.

        Returns:
            `(N, K)`, the distances in mm, NaN where the truth is missing or the pixel size is unknown.
        """
        self.loss.update(total, weight=len(batch.images))
        known = {
            "landmark": torch.isfinite(batch.points).all(-1).sum(),
            "cvm": (batch.cvm_stage > 0).sum(),
            "measurements": torch.isfinite(batch.measurements).sum(),
        }
        for term, metric in self.terms.items():
            if term in terms:
                metric.update(terms[term], weight=known[term])
        error_mm = error_px * batch.pixel_size_mm[:, None]
        self.mre_px.update(error_px)
        self.mre_mm.update(error_mm)
        for limit, rate in zip(SDR_MM, self.sdr, strict=True):
            rate.update(percent_within(error_mm, limit))
        self.pck.update(percent_within(error_px / batch.long_side_px[:, None], PCK_SHARE))
        return error_mm

    def reset(self) -> None:
        """Discard the batches since the last `take`."""
        for metric in self.modules():
            if isinstance(metric, Metric):
                metric.reset()

    def take(self) -> dict[str, Tensor]:
        """Return the means by name, and reset them."""
        always = {"val/loss": self.loss, "val/mre_px": self.mre_px, "val/pck": self.pck}
        rates = {f"val/sdr_{limit:g}mm": metric for limit, metric in zip(SDR_MM, self.sdr, strict=True)}
        where_known = {f"val/{term}": metric for term, metric in self.terms.items()} | {"val/mre_mm": self.mre_mm} | rates
        means = {name: metric.compute() for name, metric in (always | where_known).items() if metric.update_called}
        self.reset()
        return {name: mean for name, mean in means.items() if name in always or not torch.isnan(mean)}


def percent_within(errors: Tensor, limit: float) -> Tensor:
    """100 where an error is at most the limit, 0 where it is above, NaN where it is NaN; the mean is a percentage."""
    return torch.where(errors.isnan(), errors, 100.0 * (errors <= limit))

"""The Lightning module of both stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from lightning import LightningModule
from torch import Tensor, nn

from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.heatmaps import decode, to_heatmaps
from ceph_pipeline.losses import MeasurementLoss, OrdinalLoss, create_loss
from ceph_pipeline.losses.absent import is_absent
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.training.batch import LocatedBatch
from ceph_pipeline.training.optim import configure
from ceph_pipeline.training.validation_curves import ValidationCurves

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRScheduler

    from ceph_pipeline.training.batch import Batch
    from ceph_pipeline.training.params import LossParams, OptimParams


class LandmarkModule(LightningModule):
    """Trains heatmaps and, if the network has these heads, the CVM stage and vertical measurements.

    In training, logs `train/loss`, its terms `landmark`, `cvm` and `measurements` (the latter two only with these heads), and
    the terms of the landmark loss. In validation, logs the metrics of `ValidationCurves`.

    Args:
        trained: The network and its description; its weights change in place.
        loss: Landmark loss and the weight of the other heads.
        optim: Optimiser and schedule.
        cvm_class_weights: Weight of each of the six CVM stages, or None without a CVM head.
    """

    def __init__(
        self, trained: TrainedNet, loss: LossParams, optim: OptimParams, cvm_class_weights: list[float] | None = None
    ) -> None:
        super().__init__()
        self.net: nn.Module = trained.net
        self.trained, self.loss_params, self.optim = trained, loss, optim
        self.landmark_loss = create_loss(loss.kind, loss.sigma_px, absent_weight=loss.absent_weight, **loss.settings)
        self.cvm_loss = OrdinalLoss(6, cvm_class_weights)
        self.measurement_loss = MeasurementLoss()
        self.curves = ValidationCurves()

    def forward(self, batch: Batch) -> LandmarkOutput:
        """The network's output for a batch of whole images or of crops."""
        images = batch.images.contiguous(memory_format=torch.channels_last)
        if self.trained.stage == "stage1":
            output: LandmarkOutput = self.net(images)
            return output
        return LandmarkOutput(self.net(images, batch.landmark), None, None)

    def loss(self, output: LandmarkOutput, batch: Batch, ramp: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Total loss and its terms.

        In training, each term is normalised over the visible targets of all ranks. In validation, each rank uses its own targets
        only, because ranks may have different numbers of batches and must not wait for each other.
        """
        over_ranks = self.training
        targets = (batch.points + 0.5) / self.trained.stride - 0.5
        visible = torch.isfinite(targets).all(-1) & inside(targets, output.heatmaps.shape[-2:])
        landmark = self.landmark_loss(
            output.heatmaps.float(),
            targets.nan_to_num(0),
            visible,
            ramp,
            absent=is_absent(targets, visible),
            over_ranks=over_ranks,
        )
        total, terms = landmark.total, {"landmark": landmark.total.detach()} | landmark.terms
        weight = self.loss_params.cvm_weight
        if output.cvm_logits is not None:
            terms["cvm"] = self.cvm_loss(output.cvm_logits.float(), batch.cvm_stage, batch.cvm_stage > 0, over_ranks=over_ranks)
            total = total + weight * terms["cvm"]
        if output.measurements is not None:
            known = torch.isfinite(batch.measurements)
            terms["measurements"] = self.measurement_loss(
                output.measurements.float(), batch.measurements, known, over_ranks=over_ranks
            )
            total = total + weight * terms["measurements"]
        return total, terms

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One step; returns the loss."""
        del batch_idx
        ramp_epochs = self.loss_params.wing_ramp_epochs
        ramp = min(1.0, self.current_epoch / ramp_epochs) if ramp_epochs else 1.0
        total, terms = self.loss(self(batch), batch, ramp)
        curves = {"train/loss": total.detach()} | {f"train/{name}": value.detach() for name, value in terms.items()}
        self.log_dict(curves, on_step=False, on_epoch=True, batch_size=len(batch.images), sync_dist=True)
        return total

    def on_train_epoch_end(self) -> None:
        """Log the learning rate at the end of the epoch."""
        self.log("train/learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"])

    def validation_step(self, batch: Batch, batch_idx: int) -> Any:
        """Predict the landmarks of one validation batch, and add its errors to the metrics.

        Returns:
            `LocatedBatch`, for callbacks; Lightning's annotation allows tensors and mappings only.
        """
        del batch_idx
        output = self(batch)
        total, terms = self.loss(output, batch, ramp=1.0)
        heatmaps = to_heatmaps(output.heatmaps.float(), self.trained.activation, self.trained.sigma_px)
        points = decode(heatmaps, sigma=self.trained.sigma_px)
        found = self.trained.to_input(points.xy)
        error_px = original_distance(found, batch.points, batch.to_original)
        error_mm = self.curves.update(batch, total, terms, error_px)
        return LocatedBatch(found, batch.points, error_px, error_mm, points.score)

    def on_validation_epoch_start(self) -> None:
        """Discard the metrics of a validation that ended early, such as for lack of memory."""
        self.curves.reset()

    def on_validation_epoch_end(self) -> None:
        """Log the means over all points of the split."""
        self.log_dict(self.curves.take())

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with the schedule of the parameters."""
        return configure(self.net, self.optim, int(self.trainer.estimated_stepping_batches))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remove the hyperparameters, so that the checkpoint contains tensors and plain values only."""
        checkpoint.pop("hyper_parameters", None)


def inside(points: Tensor, size: torch.Size) -> Tensor:
    """Whether points `(N, K, 2)` in heatmap px lie inside the map (h, w)."""
    height, width = size
    x, y = points[..., 0], points[..., 1]
    return (x > -0.5) & (y > -0.5) & (x < width - 0.5) & (y < height - 0.5)


def original_distance(found: Tensor, truth: Tensor, to_original: Tensor) -> Tensor:
    """Distances `(N, K)` in px of the originals between points in input px; NaN where the truth is missing."""
    shift = found.float() - truth
    difference = (to_original[:, None, :, :2] * shift.unsqueeze(-2)).sum(-1)  # autocast would round a matrix product
    distance: Tensor = torch.linalg.vector_norm(difference, dim=-1)
    return distance

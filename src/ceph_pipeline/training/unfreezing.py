"""Freezes the backbone for the first epochs, so that untrained heads do not degrade pretrained features."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lightning.pytorch.callbacks import Callback

from ceph_pipeline.training.optim import backbone_of

if TYPE_CHECKING:
    from lightning import LightningModule, Trainer
    from torch import nn

    from ceph_pipeline.training.params import OptimParams

logger = logging.getLogger(__name__)


class StagedUnfreezing(Callback):
    """Freezes the backbone's weights and BatchNorm statistics, and switches its dropout off, until an epoch is reached.

    The state depends on the epoch only, so that a resumed training continues in the same state (Lightning's
    `BackboneFinetuning` freezes again). The optimiser contains the frozen weights from the beginning.
    """

    def __init__(self, stage: str, net: nn.Module, optim: OptimParams) -> None:
        self.stage, self.optim, self.backbone = stage, optim, backbone_of(net)
        self.is_frozen = False

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Freeze or unfreeze the backbone according to the epoch."""
        del pl_module
        frozen = trainer.current_epoch < self.optim.unfreeze_after_epochs
        if frozen != self.is_frozen:
            self._freeze(frozen, trainer.current_epoch)
        if frozen:
            self.backbone.eval()  # Lightning restores each module's mode after a validation, but not after a resume

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Unfreeze at the end, so that another attempt starts unfrozen."""
        del trainer, pl_module, stage
        self.backbone.requires_grad_(True)

    def _freeze(self, frozen: bool, epoch: int) -> None:
        self.is_frozen = frozen
        self.backbone.requires_grad_(not frozen)
        self.backbone.train(not frozen)
        if frozen:
            logger.info("%s: the backbone is frozen until epoch %d", self.stage, self.optim.unfreeze_after_epochs)
        else:
            logger.info(
                "%s: the backbone is trained from epoch %d on, at %g × the learning rate of the heads",
                self.stage,
                epoch + 1,
                self.optim.backbone_rate_factor,
            )

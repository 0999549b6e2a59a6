"""A backbone that rests for the first epochs, so that new heads do not spoil what it knows."""

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
    """Keeps the backbone's weights and its BatchNorm statistics still, dropout aside, until an epoch is reached.

    What rests follows from the epoch alone, so that a resumed training is where it would have been (Lightning's
    `BackboneFinetuning` freezes again). The optimiser holds the resting weights from the beginning.

    Args:
        stage: For the log.
        net: The network whose `backbone` rests.
        optim: How long, and the rate afterwards.
    """

    def __init__(self, stage: str, net: nn.Module, optim: OptimParams) -> None:
        self.stage, self.optim, self.backbone = stage, optim, backbone_of(net)
        self.is_frozen = False

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Freeze or unfreeze as the epoch asks."""
        del pl_module
        rests = trainer.current_epoch < self.optim.unfreeze_after_epochs
        if rests != self.is_frozen:
            self._freeze(rests, trainer.current_epoch)
        if rests:
            self.backbone.eval()  # Lightning returns every module to its mode after a validation, a resume does not

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave a network behind that learns as a whole, also for another attempt."""
        del trainer, pl_module, stage
        self.backbone.requires_grad_(True)

    def _freeze(self, rests: bool, epoch: int) -> None:
        self.is_frozen = rests
        self.backbone.requires_grad_(not rests)
        self.backbone.train(not rests)
        if rests:
            logger.info("%s: the backbone rests until epoch %d", self.stage, self.optim.unfreeze_after_epochs)
        else:
            logger.info(
                "%s: from epoch %d on the backbone learns, at %g × the rate of the heads",
                self.stage,
                epoch + 1,
                self.optim.backbone_rate_factor,
            )

"""The loaders of a training: which images a rank sees, in which order, and how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.batch import Batch, concatenate
from ceph_pipeline.training.batch_plan import BatchPlan
from ceph_pipeline.training.distributed.rank_sampler import RankSampler, sampler_of

if TYPE_CHECKING:
    from ceph_pipeline.detector.checkpoint import StageName
    from ceph_pipeline.training.distributed.rank import Rank
    from ceph_pipeline.training.monitor import ErrorMetric
    from ceph_pipeline.training.params import LoopParams, OptimParams
    from ceph_pipeline.training.sampling import EpochSampler


_DRAWS = {"stage1": "images_per_epoch", "stage2": "crops_per_epoch"}
_SIZES = {
    "stage1": "stage1.net.input_width_px and input_height_px",
    "stage2": "stage2.crops_per_image or crops.crop_px",
}


class LandmarkData(LightningDataModule):
    """Both splits of one rank; Lightning asks it for loaders once an attempt.

    Args:
        stage: Which stage, for messages.
        train: The training split's dataset, whose items are small batches, and the order of all ranks' draws.
        valid: The same of the validation split.
        items: Training items a batch: whole images, or sources with their crops.
        valid_items: Validation items a batch at most; never more than in training.
        metric: The validation error that decides which weights are best.
        optim: Says how many batches are accumulated.
        loop: Says how many processes load data.
        rank: Whose share of the draws.
        splits: How many times the batch is divided beforehand, since it did not fit some rank's memory.

    Attributes:
        plan: How an epoch's items are divided into batches; `shrink` replaces it.
        first_epoch: The epoch that the next training loader begins with: its workers draw before Lightning says which one it is.

    Raises:
        TrainingError: training has fewer items than one batch, or a split fewer than ranks.
    """

    def __init__(
        self,
        stage: StageName,
        train: tuple[Dataset[Batch], EpochSampler],
        valid: tuple[Dataset[Batch], EpochSampler],
        *,
        items: int,
        valid_items: int,
        metric: ErrorMetric,
        optim: OptimParams,
        loop: LoopParams,
        rank: Rank,
        splits: int = 0,
    ) -> None:
        super().__init__()
        self.stage, self.metric, self.loop, self.rank = stage, metric, loop, rank
        self.train, self.train_sampler = train[0], sampler_of(train[1], rank)
        self.valid, self.valid_sampler = valid[0], sampler_of(valid[1], rank)
        if len(self.train_sampler) < items:
            raise TrainingError(
                f"{stage}: a batch of {items} is more than the {len(self.train_sampler)} images that training has: "
                f"lower {stage}.optim.batch_size, or let an epoch draw more images: {stage}.{_DRAWS[stage]}."
            )
        self.plan = BatchPlan(items, optim.accumulate_batches, len(self.train_sampler) // items)
        self.valid_items = valid_items
        self.first_epoch = 0
        for _ in range(splits):
            self.shrink()

    def shrink(self) -> None:
        """Go on with smaller batches, more of them accumulated.

        Raises:
            TrainingError: a batch is one item already.
        """
        if self.plan.items == 1:
            lower = _SIZES[self.stage]
            raise TrainingError(
                f"{self.stage}: not even a batch of one item fits the device's memory. Lower {lower}, take a smaller "
                f"{self.stage}.net.backbone, or free the device of other processes."
            )
        self.plan = self.plan.split()

    def train_dataloader(self) -> DataLoader[Batch]:
        """The plan's batches, from `first_epoch` on; the last, incomplete one is left out."""
        self.train_sampler.set_epoch(self.first_epoch)
        return self._loader(self.train, self.train_sampler, self.plan.items)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Every item of the rank's share, in the same order each time."""
        return self._loader(self.valid, self.valid_sampler, min(self.plan.items, self.valid_items))

    def _loader(self, dataset: Dataset[Batch], sampler: EpochSampler | RankSampler, items: int) -> DataLoader[Batch]:
        return DataLoader(
            dataset,
            batch_size=items,
            sampler=sampler,
            collate_fn=concatenate,
            drop_last=sampler.shuffle,
            num_workers=self.loop.workers,
            persistent_workers=self.loop.workers > 0,
            prefetch_factor=4 if self.loop.workers else None,
            pin_memory=torch.cuda.is_available(),
        )

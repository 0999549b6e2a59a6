"""The data loaders of a training: the images, their order and the batch size of each rank."""

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
    """Training and validation data of one rank; Lightning requests the loaders once per attempt.

    Args:
        stage: The stage, for messages.
        train: The dataset of the training split, whose items are small batches, and the order of all ranks' draws.
        valid: The dataset and the order of the validation split.
        items: Training items per batch: whole images, or source images with their crops.
        valid_items: Maximum number of validation items per batch; limited by the number in training.
        metric: The validation error that selects the best weights.
        optim: Parameters, including the number of accumulated batches.
        loop: Parameters, including the number of data-loading processes.
        rank: The rank, which determines the share of the draws.
        splits: Number of times the batch is split in advance, because it did not fit a rank's memory.

    Attributes:
        plan: Division of an epoch's items into batches; `shrink` replaces it.
        first_epoch: The epoch of the next training loader, whose workers draw samples before Lightning sets the epoch.

    Raises:
        TrainingError: there are fewer training items than one batch, or a split has fewer items than ranks.
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
                f"{stage}: a batch of {items} is larger than the training set of {len(self.train_sampler)} images: "
                f"lower {stage}.optim.batch_size, or increase the images per epoch, {stage}.{_DRAWS[stage]}."
            )
        self.plan = BatchPlan(items, optim.accumulate_batches, len(self.train_sampler) // items)
        self.valid_items = valid_items
        self.first_epoch = 0
        for _ in range(splits):
            self.shrink()

    def shrink(self) -> None:
        """Use smaller batches and accumulate more of them.

        Raises:
            TrainingError: the batch size is already 1.
        """
        if self.plan.items == 1:
            lower = _SIZES[self.stage]
            raise TrainingError(
                f"{self.stage}: a batch of one item does not fit the device's memory. Lower {lower}, use a smaller "
                f"{self.stage}.net.backbone, or end other processes on the device."
            )
        self.plan = self.plan.split()

    def train_dataloader(self) -> DataLoader[Batch]:
        """The plan's batches, from `first_epoch` on; an incomplete last batch is dropped."""
        self.train_sampler.set_epoch(self.first_epoch)
        return self._loader(self.train, self.train_sampler, self.plan.items)

    def val_dataloader(self) -> DataLoader[Batch]:
        """All items of the rank's share, in a fixed order."""
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

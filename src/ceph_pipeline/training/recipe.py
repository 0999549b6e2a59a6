"""The outline that both stages' trainings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ceph_pipeline.training.continuation import BEST, LAST, finish, finished
from ceph_pipeline.training.distributed.launch import launch
from ceph_pipeline.training.distributed.lock import locked
from ceph_pipeline.training.distributed.rank import ALONE, Rank
from ceph_pipeline.training.fit import fit
from ceph_pipeline.training.tracking import child_run

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import MLFlowLogger
    from torch.utils.data import DataLoader

    from ceph_pipeline.crops import CropParams
    from ceph_pipeline.detector.checkpoint import StageName
    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.batch import Batch
    from ceph_pipeline.training.goal import Monitor
    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.params import Stage1Params, Stage2Params


@dataclass(frozen=True)
class Prepared:
    """What a rank trains with.

    Attributes:
        module: What learns.
        train: The rank's share of the training split.
        valid: The rank's share of the validation split.
        monitor: The validation error that decides which weights are best.
    """

    module: LandmarkModule
    train: DataLoader[Batch]
    valid: DataLoader[Batch]
    monitor: Monitor


class Recipe(Protocol):
    """A stage's training, from its tables, pixels and parameters."""

    @property
    def stage(self) -> StageName:
        """Which stage."""

    @property
    def params(self) -> Stage1Params | Stage2Params:
        """The stage's parameters."""

    @property
    def tables(self) -> Any:
        """What it learns from: a dataclass of tables."""

    @property
    def store(self) -> ImageStore:
        """Its pixels."""

    @property
    def crop_params(self) -> CropParams | None:
        """How stage 2 cuts its crops."""

    def prepare(self, rank: Rank) -> Prepared:
        """Network and data of one rank.

        Raises:
            TrainingError: a split is empty, or too small for the ranks.
        """


def train(recipe: Recipe, folder: Path, run_name: str | None = None) -> Path:
    """Train in this process on one device, in a process for each where there are more.

    Args:
        recipe: What is trained.
        folder: Where the training keeps its state and leaves `best.ckpt`; it is this training's until it ends.
        run_name: Of its MLflow run; the stage by default.

    Returns:
        Path of the checkpoint; the present one if it was made from the same recipe.

    Raises:
        TrainingError: the training cannot start, another works in the folder, or a rank has failed.
    """
    loop = recipe.params.loop
    with locked(folder):
        if finished(folder, recipe.stage, vars(recipe.tables), recipe.params, crops=recipe.crop_params):
            return folder / BEST
        resume = (folder / LAST).is_file()
        with child_run(recipe.stage, folder, recipe.params, run_name=run_name, resume=resume) as run_logger:
            if loop.devices * loop.nodes > 1:
                launch(recipe, folder, run_logger)
            else:
                train_rank(recipe, folder, run_logger, ALONE)
    return folder / BEST


def train_rank(recipe: Recipe, folder: Path, run_logger: MLFlowLogger | None, rank: Rank, splits: int = 0) -> None:
    """Train in this process, with batches divided so many times for want of memory; rank 0 leaves the checkpoint."""
    prepared = recipe.prepare(rank)
    trained = fit(
        prepared.module, prepared.train, prepared.valid, folder, recipe.params, prepared.monitor, run_logger, rank, splits
    )
    if rank.index == 0:
        finish(folder, trained)

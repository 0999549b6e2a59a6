"""Runs a training, or skips it if up to date, in this process or in one process per device."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import mlflow

from ceph_pipeline.training.distributed.launch import launch, meeting_point, require_devices
from ceph_pipeline.training.distributed.lock import PROCESS, locked
from ceph_pipeline.training.distributed.rank import ALONE, Rank
from ceph_pipeline.training.distributed.rank_sampler import require_enough
from ceph_pipeline.training.distributed.spec import CREDENTIALS, Spec, StoreHandle
from ceph_pipeline.training.fit import fit
from ceph_pipeline.training.resume import BEST, LAST, begin_or_skip, finish
from ceph_pipeline.training.tracking import child_run, log_images

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import MLFlowLogger

    from ceph_pipeline.training.stage1 import Stage1Job
    from ceph_pipeline.training.stage2 import Stage2Job

    TrainingJob = Stage1Job | Stage2Job

logger = logging.getLogger(__name__)


def train(job: TrainingJob, folder: Path, run_name: str | None = None) -> Path:
    """Train in this process on one device, or in one process per device on several.

    Args:
        job: The training.
        folder: Folder of the training's state and of `best.ckpt`; locked until the training ends.
        run_name: Name of the MLflow run; the stage by default.

    Returns:
        Path of the checkpoint; an existing checkpoint is reused if it was trained on the same data and parameters.

    Raises:
        TrainingError: the training cannot start, another training uses the folder, or a rank has failed.
    """
    with locked(folder):
        if begin_or_skip(folder, job.stage, vars(job.tables), job.params, crops=job.crop_params):
            resume = (folder / LAST).is_file()
            with child_run(job.stage, folder, job.params, run_name=run_name, resume=resume) as run_logger:
                if run_logger is not None:
                    log_images(job.tables.images, "train", "valid")
                if job.params.loop.devices * job.params.loop.nodes > 1:
                    train_on_ranks(job, folder, run_logger)
                else:
                    train_rank(job, folder, run_logger, ALONE)
    return folder / BEST


def train_on_ranks(job: TrainingJob, folder: Path, run_logger: MLFlowLogger | None) -> None:
    """Train in one process per device, and wait for the processes.

    Raises:
        TrainingError: there are too few devices or validation images, or a rank has failed.
    """
    loop, optim, images = job.params.loop, job.params.optim, job.tables.images
    require_devices(loop, job.stage)
    world = loop.devices * loop.nodes
    require_enough(int(((images["split"] == "valid") & (images["kind"] == "original")).sum()), world, "validation")
    logger.info(
        "%s: %d processes, an effective batch of %d", job.stage, world, optim.batch_size * optim.accumulate_batches * world
    )
    environment = {CREDENTIALS: json.dumps(dict(job.store.folder.options))}
    if run_logger is not None:
        environment["MLFLOW_TRACKING_URI"] = mlflow.get_tracking_uri()
    launch(spec_of(job, run_logger.run_id if run_logger is not None else None), vars(job.tables), folder, environment)


def spec_of(job: TrainingJob, run_id: str | None) -> Spec:
    """The spec of a job, which its ranks read."""
    store, loop = job.store, job.params.loop
    return Spec(
        stage=job.stage,
        params=job.params.model_dump(mode="json"),
        crop_params=job.crop_params,
        store=StoreHandle(path=store.path, format=store.format, quality=store.quality),
        tables=tuple(vars(job.tables)),
        run_id=run_id,
        devices=loop.devices,
        nodes=loop.nodes,
        master=meeting_point(),
        splits=0,
        process=PROCESS,
    )


def train_rank(job: TrainingJob, folder: Path, run_logger: MLFlowLogger | None, rank: Rank, splits: int = 0) -> None:
    """Train in this process, with batches split `splits` times to fit the memory; rank 0 writes the checkpoint."""
    module, data = job.prepare(rank, splits)
    trained = fit(module, data, folder, job.params, run_logger)
    if rank.index == 0:
        finish(folder, trained)

"""A stage's training as data: what it learns from, and what one rank makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from ceph_pipeline.training.distributed.launch import meeting_point
from ceph_pipeline.training.distributed.lock import PROCESS
from ceph_pipeline.training.distributed.spec import CREDENTIALS, Spec, StoreHandle

if TYPE_CHECKING:
    from ceph_pipeline.crops import CropParams
    from ceph_pipeline.detector.checkpoint import StageName
    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.data_module import LandmarkData
    from ceph_pipeline.training.distributed.rank import Rank
    from ceph_pipeline.training.module import LandmarkModule
    from ceph_pipeline.training.params import Stage1Params, Stage2Params


class TrainingJob(Protocol):
    """A stage's training, from its tables, pixels and parameters."""

    @property
    def stage(self) -> StageName:
        """Which stage."""

    @property
    def params(self) -> Stage1Params | Stage2Params:
        """The stage's parameters."""

    @property
    def tables(self) -> Any:
        """What it learns from: a dataclass of tables, `images` among them."""

    @property
    def store(self) -> ImageStore:
        """Its pixels."""

    @property
    def crop_params(self) -> CropParams | None:
        """How stage 2 cuts its crops."""

    def prepare(self, rank: Rank, splits: int = 0) -> tuple[LandmarkModule, LandmarkData]:
        """What learns, and one rank's share of both splits, with batches divided so many times for want of memory.

        Raises:
            TrainingError: a split is empty, or too small for the ranks or for one batch.
        """


def spec_of(job: TrainingJob, run_id: str | None) -> Spec:
    """What the ranks of a job are told."""
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


def credentials_of(job: TrainingJob) -> dict[str, str]:
    """The environment variable by which the credentials of a job's store reach its ranks."""
    return {CREDENTIALS: json.dumps(dict(job.store.folder.options))}

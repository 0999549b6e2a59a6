"""What the ranks of a training are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ceph_pipeline.training.distributed.launch import meeting_point
from ceph_pipeline.training.distributed.lock import PROCESS
from ceph_pipeline.training.distributed.spec import CREDENTIALS, Spec, StoreHandle

if TYPE_CHECKING:
    from ceph_pipeline.training.stage1 import Stage1Job
    from ceph_pipeline.training.stage2 import Stage2Job

    TrainingJob = Stage1Job | Stage2Job


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

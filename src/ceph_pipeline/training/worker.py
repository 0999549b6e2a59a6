"""One rank of a training in several processes: `python -m ceph_pipeline.training.worker SPEC`, started by torchrun."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.training.distributed.output import record_error, redirect
from ceph_pipeline.training.distributed.rank import Rank, end_with_owner
from ceph_pipeline.training.distributed.spec import Spec, read_spec

if TYPE_CHECKING:
    import pandas as pd

    from ceph_pipeline.training.run import TrainingJob


def main(path: Path) -> None:
    """Train as one rank of a spec; an error is recorded and ends the process with exit code 1."""
    end_with_owner()
    rank = Rank.from_environment()
    redirect(path.with_name(f"rank_{rank.index}.log"), relays=rank.index == 0)
    try:
        train_spec(path, rank)
    except Exception as error:
        from ceph_pipeline.training.batch_plan import is_out_of_memory

        record_error(path.with_name(f"rank_{rank.index}.json"), error, out_of_memory=is_out_of_memory(error))
        sys.exit(1)


def train_spec(path: Path, rank: Rank) -> None:
    """Read a spec and train as one rank of it."""
    from ceph_pipeline.training.run import train_rank
    from ceph_pipeline.training.tracking import rank_logger

    spec, tables = read_spec(path)
    with rank_logger(spec.run_id, rank) as run_logger:
        train_rank(load_job(spec, tables), path.parent.parent, run_logger, rank, spec.splits)


def load_job(spec: Spec, tables: dict[str, pd.DataFrame]) -> TrainingJob:
    """The training that a spec describes; `spec.store` is opened with this process's credentials.

    Raises:
        ValueError: a spec of stage 2 lacks the crop parameters.
    """
    from ceph_pipeline.training.params import Stage1Params, Stage2Params
    from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables
    from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

    store = spec.store.open()
    if spec.stage == "stage1":
        return Stage1Job(Stage1Tables(**tables), store, Stage1Params.model_validate(spec.params))
    if spec.crop_params is None:
        raise InvalidValueError("a spec of stage2 has no crop_params")
    return Stage2Job(Stage2Tables(**tables), store, spec.crop_params, Stage2Params.model_validate(spec.params))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

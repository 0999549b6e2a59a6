"""Records trainings as nested MLflow runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

import mlflow
from lightning.pytorch.loggers import MLFlowLogger
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import LifecycleStage, RunStatus
from mlflow.exceptions import MlflowException

from ceph_pipeline.artifacts import dotted, without_names, write_atomically
from ceph_pipeline.training.run_states import KILLED, PARENT_TAG, SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from mlflow.entities import Run
    from pydantic import BaseModel

    from ceph_pipeline.training.distributed.rank import Rank

_CONTEXTS = {"train": "training", "valid": "validation", "test": "testing"}
"""MLflow's context of each split."""


@contextmanager
def child_run(
    stage: str, folder: Path, params: BaseModel, *, run_name: str | None = None, resume: bool
) -> Iterator[MLFlowLogger | None]:
    """Open a nested run for a training and yield its logger; None if no MLflow run is active.

    The run's identifier is stored in `folder`. A resumed training reopens its run as a child of the active run; if the run
    was deleted, a new one is created. Runs that an interruption left RUNNING are closed as KILLED: the earlier parent run, and
    the run of a training that is not resumed.
    """
    parent = mlflow.active_run()
    if parent is None:
        yield None
        return
    record = folder / "mlflow_run.json"
    earlier = _recorded_run(record)
    if earlier is not None:
        _close_if_running(earlier.data.tags.get(PARENT_TAG), besides=parent.info.run_id)
        if not resume:
            _close_if_running(earlier.info.run_id)
    run_id = earlier.info.run_id if earlier is not None and resume and not _is_deleted(earlier) else None
    with (
        mlflow.start_run(run_id=run_id, run_name=run_name or stage, nested=True, tags=SOURCE) as run,
        _killed_where_told_to_stop(),
    ):
        write_atomically(record, json.dumps({"run_id": run.info.run_id}))
        mlflow.set_tag(PARENT_TAG, parent.info.run_id)
        if run_id is None:
            mlflow.log_params(dotted({stage: without_names(params.model_dump(mode="json"))}))
        yield MLFlowLogger(tracking_uri=mlflow.get_tracking_uri(), run_id=run.info.run_id, log_model=False)


@contextmanager
def _killed_where_told_to_stop() -> Iterator[None]:
    """End the active run as KILLED on Ctrl-C and on SIGTERM, which MLflow would record as FAILED."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        mlflow.end_run(KILLED)
        raise


def log_images(images: pd.DataFrame, *splits: str) -> None:
    """Record on the active run the images of its training, validation or test split.

    MLflow receives their number, a digest and the names of their data sets, but neither names of films nor rows.

    Args:
        images: Rows `image_id, split, machine, dataset, …`, and `kind` for augmented images.
        splits: `train`, `valid` or `test`; splits without images are skipped.
    """
    for split in splits:
        rows = images[images["split"] == split].reset_index(drop=True)
        if len(rows):
            # Without a source, MLflow records the program's path and the user's login
            source = CodeDatasetSource(SOURCE | {"dataset": ", ".join(sorted(rows["dataset"].unique()))})
            shown = rows.filter(["image_id", "kind", "machine"])
            mlflow.log_input(from_pandas(shown, source, name=f"{split}_images"), context=_CONTEXTS[split])


@contextmanager
def rank_logger(run_id: str | None, rank: Rank) -> Iterator[MLFlowLogger | None]:
    """The logger of a rank to the run that the launching process has opened.

    On rank 0 the run is active inside the context; other ranks never write to it.
    """
    if run_id is None:
        yield None
        return
    with mlflow.start_run(run_id=run_id) if rank.index == 0 else nullcontext():
        yield MLFlowLogger(tracking_uri=mlflow.get_tracking_uri(), run_id=run_id, log_model=False)


def _recorded_run(record: Path) -> Run | None:
    """The run in a folder's record, if the tracking store still contains it."""
    try:
        return mlflow.get_run(str(json.loads(record.read_text(encoding="utf-8"))["run_id"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError, MlflowException):
        return None


def _is_deleted(run: Run) -> bool:
    """Whether a run was deleted: MLflow still returns the run, but cannot start it."""
    return bool(run.info.lifecycle_stage == LifecycleStage.DELETED)


def _close_if_running(run_id: str | None, besides: str | None = None) -> None:
    if run_id is None or run_id == besides:
        return
    with suppress(MlflowException):  # the store no longer contains the run
        if mlflow.get_run(run_id).info.status == RunStatus.to_string(RunStatus.RUNNING):
            mlflow.MlflowClient().set_terminated(run_id, status=KILLED)

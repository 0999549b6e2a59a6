"""Trainings as nested MLflow runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mlflow
from lightning.pytorch.loggers import MLFlowLogger
from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException

from ceph_pipeline.artifacts import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel


@contextmanager
def child_run(name: str, folder: Path, params: BaseModel, *, resume: bool) -> Iterator[MLFlowLogger | None]:
    """Open a nested run for a training and give its logger; None where no MLflow run is active.

    The run's identifier is kept in `folder`: a training that resumes reopens its run; one that starts anew closes a run
    that an interruption left RUNNING as KILLED.
    """
    parent = mlflow.active_run()
    if parent is None:
        yield None
        return
    record = folder / "mlflow_run.json"
    run_id = _recorded_run(record)
    if run_id is not None and not resume:
        _close_if_running(run_id)
        run_id = None
    with mlflow.start_run(run_id=run_id, run_name=name, nested=True) as run:
        write_atomically(record, json.dumps({"run_id": run.info.run_id}))
        if run_id is None:
            mlflow.log_params(flatten(params.model_dump(mode="json"), name))
        yield MLFlowLogger(tracking_uri=mlflow.get_tracking_uri(), run_id=run.info.run_id, log_model=False)


def flatten(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Nested parameters as `prefix.group.name`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}.{key}") if isinstance(value, dict) else {f"{prefix}.{key}": value}
    return flat


def _recorded_run(record: Path) -> str | None:
    try:
        run_id = str(json.loads(record.read_text(encoding="utf-8"))["run_id"])
        mlflow.get_run(run_id)
    except (FileNotFoundError, json.JSONDecodeError, KeyError, MlflowException):
        return None
    return run_id


def _close_if_running(run_id: str) -> None:
    run = mlflow.get_run(run_id)
    if run.info.status == RunStatus.to_string(RunStatus.RUNNING):
        mlflow.MlflowClient().set_terminated(run_id, status=RunStatus.to_string(RunStatus.KILLED))

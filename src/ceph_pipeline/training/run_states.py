"""States of runs on the tracking server: a run whose process is gone is not RUNNING, and one that was stopped is not FINISHED."""

import logging
import platform

import mlflow
import psutil
from mlflow.entities import Run, RunStatus

from ceph_pipeline.training.tracking_store import ending

logger = logging.getLogger(__name__)

PROCESS_TAG = "ceph_pipeline.process"
"""The tag that says which process a run belongs to."""

PARENT_TAG = "mlflow.parentRunId"
"""The tag by which MLflow nests runs."""

SOURCE = {"mlflow.source.name": "kedro"}
"""In place of the program's path, which has the user's folders in it."""

KILLED = RunStatus.to_string(RunStatus.KILLED)
_RUNNING = "attributes.status = 'RUNNING'"


def this_process() -> str:
    """Host, process number and time of its start: no two processes have all of them in common."""
    return _identity(psutil.Process())


def mark_active_run() -> None:
    """Note on the active run, if one is open, which process it belongs to, and close what dead processes have left RUNNING."""
    run = mlflow.active_run()
    if run is None:
        return
    mlflow.set_tags(SOURCE | {PROCESS_TAG: this_process()})
    close_orphans(run.info.experiment_id)


def close_orphans(experiment_id: str) -> int:
    """Set runs of this machine whose process has ended to KILLED, with the trainings nested in them.

    Runs of other machines, and those that no process is noted on, are left alone.

    Returns:
        How many were closed.
    """
    client = mlflow.MlflowClient()
    running = client.search_runs([experiment_id], _RUNNING, max_results=1000)
    orphans = {run.info.run_id for run in running if _process_is_gone(run)}
    nested = {run.info.run_id for run in running if run.data.tags.get(PARENT_TAG) in orphans}
    for run_id in orphans | nested:
        client.set_terminated(run_id, status=KILLED)
        logger.info("run %s was left running by a process that has ended: it is recorded as killed", run_id)
    return len(orphans | nested)


def end_as_killed() -> None:
    """End every active run as KILLED: the process was told to stop."""
    with ending():
        while mlflow.active_run() is not None:
            mlflow.end_run(KILLED)


def _process_is_gone(run: Run) -> bool:
    noted = run.data.tags.get(PROCESS_TAG, "")
    host, _, rest = noted.partition(" ")
    if host != platform.node() or not rest:
        return False
    try:
        return _identity(psutil.Process(int(rest.partition(" ")[0]))) != noted
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, ValueError):
        return False


def _identity(process: psutil.Process) -> str:
    return f"{platform.node()} {process.pid} {process.create_time():.2f}"

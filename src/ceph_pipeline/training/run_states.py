"""Corrects the states of MLflow runs: runs of ended processes and stopped runs are recorded as KILLED."""

import logging
import platform

import mlflow
import psutil
from mlflow.entities import Run, RunStatus

from ceph_pipeline.training.tracking_store import ending

logger = logging.getLogger(__name__)

PROCESS_TAG = "ceph_pipeline.process"
"""The tag that identifies the process of a run."""

PARENT_TAG = "mlflow.parentRunId"
"""MLflow's tag of a nested run's parent."""

SOURCE = {"mlflow.source.name": "kedro"}
"""Replaces the program's path, which contains the user's folders."""

KILLED = RunStatus.to_string(RunStatus.KILLED)
_RUNNING = "attributes.status = 'RUNNING'"


def this_process() -> str:
    """Host, process number and start time, which together identify a process."""
    return _identity(psutil.Process())


def mark_active_run() -> None:
    """Record this process on the active run, if one is open, and close RUNNING runs of ended processes."""
    run = mlflow.active_run()
    if run is None:
        return
    mlflow.set_tags(SOURCE | {PROCESS_TAG: this_process()})
    close_orphans(run.info.experiment_id)


def close_orphans(experiment_id: str) -> int:
    """Set runs of this machine whose process has ended, and their nested runs, to KILLED.

    Runs of other machines and runs without a recorded process are not changed.

    Returns:
        Number of closed runs.
    """
    client = mlflow.MlflowClient()
    running = client.search_runs([experiment_id], _RUNNING, max_results=1000)
    orphans = {run.info.run_id for run in running if _process_is_gone(run)}
    nested = {run.info.run_id for run in running if run.data.tags.get(PARENT_TAG) in orphans}
    for run_id in orphans | nested:
        client.set_terminated(run_id, status=KILLED)
        logger.info("run %s: its process ended while the run was RUNNING; the run is recorded as killed", run_id)
    return len(orphans | nested)


def end_as_killed() -> None:
    """End every active run as KILLED, after the process received a signal to stop."""
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

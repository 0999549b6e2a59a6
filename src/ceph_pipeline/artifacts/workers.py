"""Process a list of tasks in parallel: with processes or threads of this machine, or a Dask cluster."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice, starmap
from typing import Any, Literal, TypeVar

import joblib
import psutil
from pydantic import Field, field_validator

from ceph_pipeline.artifacts.params import Params
from ceph_pipeline.errors import CephError, install_hint

Result = TypeVar("Result")

_PATIENCE_S = 20
"""Timeout for the response of a scheduler, and for its first worker."""


class WorkersError(CephError, RuntimeError):
    """The workers of the configuration are not available."""


class WorkerParams(Params):
    """Parameters of all nodes that work in parallel; these parameters do not change results."""

    n_jobs: int = Field(
        -1, ge=-1, description="number of workers on this machine; 1: no workers, the process itself; -1: one worker per core"
    )
    backend: Literal["loky", "threading", "dask"] = Field(
        "loky", description="loky: processes; threading: threads; dask: a Dask cluster"
    )
    dask_scheduler: str | None = Field(
        None, description="address of the Dask scheduler, such as tcp://host:8786; null: a cluster on this machine"
    )

    @field_validator("n_jobs")
    @classmethod
    def _some_jobs(cls, n_jobs: int) -> int:
        if n_jobs == 0:
            raise ValueError("n_jobs must be -1 (one worker per core) or at least 1.")
        return n_jobs


def run_unordered(function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], workers: WorkerParams) -> Iterator[Result]:
    """Call `function(*task)` for every task, and yield each result when it is available.

    If a Dask worker is lost, another worker repeats its task. Tasks must therefore be repeatable.

    Args:
        function: A function that is importable by name; its results should be small.
        tasks: Arguments of each call; consumed only a few tasks ahead of the workers.
        workers: Parameters of the workers.

    Raises:
        WorkersError: the Dask scheduler cannot be reached, or dask is not installed.
    """
    if workers.backend == "dask":
        with _dask_client(workers), joblib.parallel_config(backend="dask"):
            yield from _parallel(_SingleThreaded(function), tasks, n_jobs=-1)
    elif workers.backend == "loky" and workers.n_jobs != 1:
        watch = {"initializer": end_with_owner, "initargs": (os.getpid(),)}
        yield from _parallel(_SingleThreaded(function), tasks, n_jobs=workers.n_jobs, backend="loky", **watch)
    elif workers.n_jobs != 1:
        yield from _on_threads(function, iter(tasks), joblib.cpu_count() if workers.n_jobs == -1 else workers.n_jobs)
    else:
        yield from starmap(function, tasks)


def check_cluster(workers: WorkerParams) -> None:
    """Check that the Dask cluster responds, before earlier results are deleted.

    Raises:
        WorkersError: the Dask scheduler cannot be reached or has no worker, or dask is not installed.
    """
    if workers.backend == "dask" and workers.dask_scheduler is not None:
        with _dask_client(workers):
            return


def _parallel(function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], **options: Any) -> Iterator[Result]:
    parallel = joblib.Parallel(return_as="generator_unordered", **options)
    results: Iterator[Result] = parallel(joblib.delayed(function)(*task) for task in tasks)
    return results


def _on_threads(function: Callable[..., Result], tasks: Iterator[tuple[Any, ...]], count: int) -> Iterator[Result]:
    """Keep up to two tasks per thread submitted.

    Running tasks are always awaited, even after an error or an interrupt: a thread that runs native code of a library when the
    interpreter exits would abort the process.
    """
    with ThreadPoolExecutor(count) as pool:
        try:
            running = {pool.submit(function, *task) for task in islice(tasks, 2 * count)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                running |= {pool.submit(function, *task) for task in islice(tasks, len(done))}
        finally:
            pool.shutdown(cancel_futures=True)


class _SingleThreaded:
    """A function that runs with a single OpenCV thread, because each process has one core."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)  # the name in the cluster's dashboard

    def __call__(self, *task: Any) -> Any:
        import cv2

        cv2.setNumThreads(1)
        return self.function(*task)


@contextmanager
def _dask_client(workers: WorkerParams) -> Iterator[Any]:
    """Connect to the scheduler, and wait for its first worker."""
    try:
        distributed: Any = importlib.import_module("distributed")  # an extra, and untyped
    except ImportError as error:
        raise WorkersError(f"backend: dask needs dask.distributed; {install_hint('dask')}.") from error
    where: dict[str, Any] = {"address": workers.dask_scheduler, "timeout": _PATIENCE_S}
    if workers.dask_scheduler is None:
        n_workers = None if workers.n_jobs == -1 else workers.n_jobs
        where = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": ":0"}
    try:
        client = distributed.Client(**where)
    except (OSError, ValueError) as error:
        raise WorkersError(
            f"no Dask scheduler responds at dask_scheduler: {workers.dask_scheduler} ({error}). Start one with `dask scheduler`, "
            "correct the address in globals.yml, or set the address to null for a cluster on this machine."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_S)
        except TimeoutError as error:
            raise WorkersError(
                f"the Dask scheduler at {workers.dask_scheduler} had no worker within {_PATIENCE_S} s. Start workers with "
                f"`dask worker {workers.dask_scheduler}`."
            ) from error
        yield client


def end_with_owner(owner: int) -> None:
    """Make this process exit when its owner exits.

    Without this, joblib's workers outlive a killed owner: they finish the tasks in their queue, then wait for more.
    """
    threading.Thread(target=end_with, args=(owner,), name="end-with-owner", daemon=True).start()


def end_with(owner: int, interval_s: float = 0.5) -> None:
    """Wait until the parent process is no longer `owner`, then exit this process without clean-up."""
    while _has_owner(owner):
        time.sleep(interval_s)
    os._exit(1)


def _has_owner(owner: int) -> bool:
    if sys.platform == "win32":  # orphans keep their parent's ID there, and the parent is a virtual environment's launcher
        return psutil.pid_exists(owner)
    return os.getppid() == owner

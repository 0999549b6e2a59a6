"""Who works through a list of tasks: processes of this machine, its threads, or a Dask cluster."""

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
"""How long a scheduler may take to answer, and its first worker to appear."""


class WorkersError(CephError, RuntimeError):
    """The workers that a configuration asks for cannot be had."""


class WorkerParams(Params):
    """Part of the parameters of every node that works in parallel; none of it changes what comes out."""

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
    """Call `function(*task)` for every task, and give each result as it comes.

    A task whose Dask worker is lost is given to another one, so that a task must not mind being done twice.

    Args:
        function: Importable by name; its results should be small.
        tasks: Arguments of each call; drawn a few ahead of the workers.
        workers: Who works.

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
    """Make sure that the cluster of an address answers, before anything is given up for what it is to make.

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
    """Keep two tasks a thread waiting.

    At the end, after an error or an interrupt too, tasks under way are waited for: a thread that is still in a library's
    native code when the interpreter ends aborts the process.
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
    """A function that keeps to the core of its process."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)  # what the cluster's dashboard shows

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
            f"no Dask scheduler answers at dask_scheduler: {workers.dask_scheduler} ({error}). Start one with `dask scheduler`, "
            "correct the address in globals.yml, or set it to null for a cluster on this machine."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_S)
        except TimeoutError as error:
            raise WorkersError(
                f"the Dask scheduler at {workers.dask_scheduler} has had no worker for {_PATIENCE_S} s. Start some with "
                f"`dask worker {workers.dask_scheduler}`."
            ) from error
        yield client


def end_with_owner(owner: int) -> None:
    """Let this process end with its owner.

    joblib's workers outlive an owner that is killed: they finish the tasks in their queue, then wait for more.
    """
    threading.Thread(target=end_with, args=(owner,), name="end-with-owner", daemon=True).start()


def end_with(owner: int, interval_s: float = 0.5) -> None:
    """Wait until the parent process is no longer `owner`, then end this process without clean-up."""
    while _has_owner(owner):
        time.sleep(interval_s)
    os._exit(1)


def _has_owner(owner: int) -> bool:
    if sys.platform == "win32":  # where an orphan gets no other parent, and the parent is a virtual environment's launcher
        return psutil.pid_exists(owner)
    return os.getppid() == owner

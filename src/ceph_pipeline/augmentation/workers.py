"""Processes that work through a list of tasks, and end when the process that started them does."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import joblib

Result = TypeVar("Result")


def run_unordered(
    function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], *, n_jobs: int, backend: str
) -> Iterator[Result]:
    """Call `function(*task)` for every task, and give each result as it comes.

    Args:
        function: Importable by name; its results should be small.
        tasks: Arguments of each call.
        n_jobs: Processes; 1 works in this one, −1 starts one a core.
        backend: `loky` on this machine, `dask` on the cluster of the current Dask client.
    """
    watch = {"initializer": start_worker, "initargs": (os.getpid(),)} if backend == "loky" and n_jobs != 1 else {}
    parallel = joblib.Parallel(n_jobs=n_jobs, backend=backend, return_as="generator_unordered", **watch)
    results: Iterator[Result] = parallel(joblib.delayed(function)(*task) for task in tasks)
    return results


def start_worker(owner: int) -> None:
    """Prepare a worker process: one thread for OpenCV, and an end with its owner.

    joblib's workers outlive an owner that is killed: they finish the tasks in their queue, then wait for more.
    """
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=end_with, args=(owner,), name="end-with-owner", daemon=True).start()


def end_with(owner: int, interval_s: float = 0.5) -> None:
    """Wait until the parent process is no longer `owner`, then end this process without clean-up."""
    while os.getppid() == owner:
        time.sleep(interval_s)
    os._exit(1)

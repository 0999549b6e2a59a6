"""Work done by this process, by threads, by processes and by a Dask cluster."""

import os
import re
import socket
import threading
import time

import pytest
from distributed import LocalCluster
from pydantic import ValidationError

from ceph_pipeline.artifacts import WorkerParams, WorkersError, run_unordered, workers
from ceph_pipeline.artifacts.workers import end_with

TASKS = [(number, 2) for number in range(20)]


@pytest.fixture
def power():
    """A function that travels by value, since workers cannot import a test's module."""

    def power(base, exponent):
        import os

        import cv2

        return base**exponent, os.getpid(), cv2.getNumThreads()

    return power


@pytest.mark.parametrize(
    ("settings", "here", "single_threaded"),
    [
        ({"n_jobs": 1}, True, False),
        ({"n_jobs": 3, "backend": "threading"}, True, False),
        ({"n_jobs": 2, "backend": "loky"}, False, True),
        ({"n_jobs": 2, "backend": "dask"}, False, True),
    ],
    ids=["this process", "threads", "processes", "a Dask cluster of this machine"],
)
def test_every_task_is_done_once(power, settings, here, single_threaded):
    done = list(run_unordered(power, TASKS, WorkerParams(**settings)))
    assert sorted(result for result, _, _ in done) == [number**2 for number in range(20)]
    assert {pid == os.getpid() for _, pid, _ in done} == {here}
    assert not single_threaded or {threads for _, _, threads in done} == {1}


@pytest.mark.parametrize("backend", ["threading", "dask"])
def test_a_task_s_error_comes_through(backend):
    def fail(number):
        raise KeyError(number)

    with pytest.raises(KeyError, match="7"):
        list(run_unordered(fail, [(7,)], WorkerParams(n_jobs=1, backend=backend)))


def test_threads_have_ended_when_an_error_comes_through():
    """Threads in native code would abort the interpreter at its end."""
    ended = []

    def fail_or_work(number):
        if number == 0:
            raise KeyError(number)
        time.sleep(0.3)
        ended.append(number)

    with pytest.raises(KeyError):
        list(run_unordered(fail_or_work, ((number,) for number in range(100)), WorkerParams(n_jobs=3, backend="threading")))
    begun = len(ended)
    time.sleep(0.5)
    assert len(ended) == begun < 10
    assert not any("ThreadPool" in thread.name for thread in threading.enumerate())


def test_tasks_are_drawn_a_few_ahead_of_the_workers(power):
    drawn = []
    tasks = ((drawn.append(number) or number, 2) for number in range(1000))
    results = run_unordered(power, tasks, WorkerParams(n_jobs=2, backend="threading"))
    next(results)
    assert len(drawn) < 500
    results.close()


def test_nobody_to_do_the_work_is_refused():
    with pytest.raises(ValidationError, match="n_jobs must be -1"):
        WorkerParams(n_jobs=0)


def test_a_scheduler_that_does_not_answer_is_named_with_the_way_out(monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE_S", 0.3)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(WorkersError, match=rf"no Dask scheduler responds at dask_scheduler: {re.escape(address)}.*globals\.yml"):
        list(run_unordered(str, TASKS, WorkerParams(backend="dask", dask_scheduler=address)))


def test_a_scheduler_without_workers_is_named(monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE_S", 2)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as cluster,
        pytest.raises(WorkersError, match=rf"at {cluster.scheduler_address} had no worker"),
    ):
        list(run_unordered(str, TASKS, WorkerParams(backend="dask", dask_scheduler=cluster.scheduler_address)))


def test_dask_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(WorkersError, match="uv sync --extra dask"):
        list(run_unordered(str, TASKS, WorkerParams(backend="dask")))


def test_a_worker_ends_when_its_owner_has_changed(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    parents = iter([7, 7, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    end_with(7, interval_s=0.01)
    assert ended.is_set()
    assert next(parents, None) is None, "it looked until the owner had changed"

"""The engine on a Dask cluster of several processes: the bytes of one process, whatever happens to a worker."""

import os
import signal
import threading
from contextlib import contextmanager

import pytest
from distributed import Client, LocalCluster

from ceph_pipeline.artifacts import WorkersError, workers
from ceph_pipeline.augmentation.copy_writer import AugmentationError


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def pids(cluster):
    """The workers' process ids."""
    with Client(cluster, set_as_default=False) as client:
        return sorted(client.run(os.getpid).values())


@contextmanager
def killed_when(pid, condition):
    """Kill a process from another thread as soon as the condition holds, if it does within the block; what was there then."""
    seen, over = [], threading.Event()

    def watch():
        while not over.wait(0.002):
            if condition():
                seen.append(condition())
                os.kill(pid, signal.SIGKILL)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_a_worker_killed_half_way_loses_nothing_and_changes_no_byte(cluster, pids, tmp_path, new_study):
    alone, study = (new_study(tmp_path / name, {"train": 18, "valid": 4, "test": 2}) for name in ("one", "cluster"))
    expected = alone.augment(n_jobs=1)

    with killed_when(pids[0], lambda: len(study.store.ids()) // 40) as seen:
        tables = study.augment(backend="dask", dask_scheduler=cluster.scheduler_address)

    assert seen == [1], "the worker was killed after 40 to 79 of 156 images"
    assert study.files() == alone.files()
    assert all(table.equals(tables[name]) for name, table in expected.items())


def test_workers_that_write_to_a_disk_of_their_own_are_noticed_at_once(cluster, study, monkeypatch):
    monkeypatch.setattr(type(study.store), "exists", lambda *_: False)  # as this machine sees it
    with pytest.raises(AugmentationError, match=r"a worker has written .* Set data_root in globals\.yml to storage that all"):
        study.augment(backend="dask", dask_scheduler=cluster.scheduler_address)


def test_an_error_in_a_worker_is_the_run_s_error(cluster, study):
    (study.raw.root / "train_0002.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"train_0002\.png"):
        study.augment(backend="dask", dask_scheduler=cluster.scheduler_address)


def test_a_cluster_that_does_not_answer_costs_no_copy_though_all_are_to_be_made_again(study, monkeypatch):
    study.augment(n_jobs=1)
    before = study.store.ids()
    monkeypatch.setattr(workers, "_PATIENCE_S", 0.3)
    with pytest.raises(WorkersError, match="no Dask scheduler responds"):
        study.augment(backend="dask", dask_scheduler="tcp://127.0.0.1:1", force=True)
    assert before
    assert study.store.ids() == before

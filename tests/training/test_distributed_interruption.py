"""Ranks that are killed, and ranks whose owner is killed: real processes, real signals."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from ceph_pipeline.detector.checkpoint import load_checkpoint
from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.distributed.spec import write_spec
from ceph_pipeline.training.params import LoopParams, LossParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.run import spec_of, train
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables

pytestmark = pytest.mark.slow

OWNER = """
import sys
from pathlib import Path
from ceph_pipeline.training.distributed.spec import read_spec
from ceph_pipeline.training.run import train
from ceph_pipeline.training.worker import load_job
train(load_job(*read_spec(Path(sys.argv[1]))), Path(sys.argv[2]))
"""
"""A process that trains, as a Kedro node does."""


@pytest.fixture(scope="module")
def job(spots):
    """A training of twelve epochs on two ranks, with everything that a resume has to get right."""
    tables = Stage1Tables(spots.images, spots.landmarks, spots.cvm, spots.images[["image_id"]].assign(digest="as drawn"))
    params = Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64, dropout=0.1),
        loss=LossParams(kind="cross_entropy", sigma_px=1.0, cvm_weight=0.1),
        optim=OptimParams(
            epochs=12,
            batch_size=2,
            learning_rate=1e-3,
            warmup_epochs=1,
            ema_decay=0.9,
            unfreeze_after_epochs=3,
            precision="float32",
        ),
        loop=LoopParams(seed=1, workers=1, devices=2),
    )
    return Stage1Job(tables, spots.cache, params)


@pytest.fixture(scope="module")
def undisturbed(job, tmp_path_factory):
    """Weights of the training from beginning to end."""
    return load_checkpoint(train(job, tmp_path_factory.mktemp("undisturbed"))).net.state_dict()


def processes(folder):
    """Command lines that name a folder, by process id: the ranks that train into it, their loaders and their agent."""
    found = subprocess.run(["ps", "-ewwo", "pid=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = (line.strip().split(" ", 1) for line in found if str(folder / "ranks") in line)
    return {int(pid): command for pid, command in rows}


def rank_of(pid):
    """The rank that a process's environment names, if any."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return next((int(entry.partition(b"=")[2]) for entry in environment if entry.startswith(b"RANK=")), None)


def wait_until(condition, owner=None):
    """Wait as long as it takes; where a process is to bring it about, as long as that lives."""
    while not condition():
        assert owner is None or owner.poll() is None, "the process has ended before"
        time.sleep(0.02)


def stopped_early(folder):
    """Whether no process is left that trains into a folder, and the twelve epochs are not done."""
    wait_until(lambda: not processes(folder))
    return torch.load(folder / "last.ckpt", weights_only=True)["epoch"] < 11


def start(job, folder, told):
    """Train in a process of its own."""
    spec = write_spec(spec_of(job, None), vars(job.tables), told)
    return subprocess.Popen([sys.executable, "-c", OWNER, str(spec), str(folder)], stderr=subprocess.PIPE, text=True)


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def test_a_rank_that_is_killed_is_named_and_the_training_can_go_on(job, undisturbed, tmp_path):
    folder = tmp_path / "stage1"
    owner = start(job, folder, tmp_path / "told")
    wait_until((folder / "last.ckpt").is_file, owner)
    os.kill(next(pid for pid in processes(folder) if rank_of(pid) == 1), signal.SIGKILL)
    _, errors = owner.communicate()
    assert owner.returncode == 1
    assert "TrainingError: stage1: rank 1 of 2 was killed by SIGKILL" in errors
    assert f"its log is {folder}/ranks/rank_1.log" in errors
    assert (folder / "ranks" / "rank_1.log").is_file()
    assert stopped_early(folder)
    assert same(load_checkpoint(train(job, folder)).net.state_dict(), undisturbed)


def test_ranks_end_with_the_process_that_started_them(job, undisturbed, tmp_path):
    folder = tmp_path / "stage1"
    owner = start(job, folder, tmp_path / "told")
    wait_until((folder / "last.ckpt").is_file, owner)
    assert {rank_of(pid) for pid in processes(folder)} >= {0, 1}
    owner.kill()
    owner.wait()
    assert stopped_early(folder)
    assert same(load_checkpoint(train(job, folder)).net.state_dict(), undisturbed)


def test_an_error_of_the_ranks_is_one_message(job, tmp_path):
    params = job.params.model_copy(update={"optim": job.params.optim.model_copy(update={"batch_size": 100})})
    with pytest.raises(TrainingError) as caught:
        train(Stage1Job(job.tables, job.store, params), tmp_path)
    message = str(caught.value)
    assert "a batch of 100 is larger than the" in message
    assert "Traceback" not in message
    assert f"{tmp_path}/ranks/rank_" in message


def test_two_machines_train_what_one_with_as_many_devices_trains(job, undisturbed, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(port))
    loop = job.params.loop.model_copy(update={"devices": 1, "nodes": 2})
    folder = tmp_path / "stage1"
    joining = [sys.executable, "-m", "ceph_pipeline.training.distributed.join_node", str(folder), "--node", "1"]
    with subprocess.Popen(joining) as other:
        shared = Stage1Job(job.tables, job.store, job.params.model_copy(update={"loop": loop}))
        assert same(load_checkpoint(train(shared, folder)).net.state_dict(), undisturbed)
        assert other.wait(60) == 0

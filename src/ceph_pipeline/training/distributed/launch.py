"""Launches this machine's ranks with torchrun and reports failures."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import torch

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.distributed.failure import SHUTDOWN_S, Failure, first_failure
from ceph_pipeline.training.distributed.output import relay
from ceph_pipeline.training.distributed.rank import OWNER
from ceph_pipeline.training.distributed.spec import discard_spec, write_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from ceph_pipeline.training.distributed.spec import Spec
    from ceph_pipeline.training.params import LoopParams

logger = logging.getLogger(__name__)

WORKER = "ceph_pipeline.training.worker"
"""The module that each rank runs."""

PATIENCE_S = 30
"""Maximum time for an agent to end its ranks."""


def launch(spec: Spec, tables: Mapping[str, pd.DataFrame], folder: Path, environment: Mapping[str, str]) -> None:
    """Train in one process per device, and wait for the processes.

    If a batch does not fit a device's memory, all ranks start again from the last complete epoch with smaller batches, and more
    of them are accumulated. A training on several machines stops instead.

    Args:
        spec: The training's spec.
        tables: Training data, by name.
        folder: Folder of the training's state.
        environment: Environment variables for the ranks, in addition to those of this process.

    Raises:
        TrainingError: a rank has failed.
    """
    while (failure := run_ranks(spec, tables, folder, environment)) is not None:
        if not failure.out_of_memory or spec.nodes > 1:
            raise TrainingError(failure.message)
        spec = spec.model_copy(update={"splits": spec.splits + 1})
        logger.warning(
            "%s: a device's memory is full. The ranks start again with smaller batches, more of them accumulated. The effective "
            "batch size is unchanged, but BatchNorm uses the smaller batches",
            spec.stage,
        )


def run_ranks(spec: Spec, tables: Mapping[str, pd.DataFrame], folder: Path, environment: Mapping[str, str]) -> Failure | None:
    """Start this machine's agent, relay rank 0's log, and wait.

    Returns:
        The failure, or None. After a failure, the ranks' logs are kept in `folder`.
    """
    ranks = folder / "ranks"
    shutil.rmtree(ranks, ignore_errors=True)
    path = write_spec(spec, tables, folder)
    command = agent_command(path, spec.devices, spec.nodes, spec.master, node=0)
    variables = {**rank_environment(spec.devices), **environment}
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True, env=variables) as agent:  # noqa: S603
        try:
            exits = relay(agent.stdout or ())
            failed = agent.wait() != 0
        finally:
            _end(agent)
            discard_spec(path)
    if failed:
        return first_failure(spec.stage, ranks, exits, spec.devices * spec.nodes)
    shutil.rmtree(ranks)
    return None


def meeting_point() -> str:
    """`host:port` of the rendezvous of several machines: this machine, or MASTER_ADDR and MASTER_PORT if set."""
    return f"{os.environ.get('MASTER_ADDR', socket.gethostname())}:{os.environ.get('MASTER_PORT', '29500')}"


def require_devices(loop: LoopParams, stage: str) -> None:
    """Check the number of GPUs, and that SyncBN is used on GPUs only.

    Raises:
        TrainingError: this machine lacks the GPUs that the parameters require.
    """
    gpus = torch.cuda.device_count()
    if gpus and loop.devices > gpus:
        raise TrainingError(f"{stage}.loop.devices = {loop.devices}, but this machine has {gpus} GPU(s): lower it.")
    if loop.sync_batchnorm and not gpus:
        raise TrainingError(f"{stage}.loop.sync_batchnorm = true, but SyncBN requires GPUs: set it to false.")


def agent_command(spec: Path, devices: int, nodes: int, master: str, node: int) -> list[str]:
    """The command line of a machine's agent.

    Args:
        spec: The spec's path.
        devices: Number of ranks on each machine.
        nodes: Number of machines.
        master: `host:port` of the rendezvous of several machines.
        node: Number of this machine; 0 is the machine that runs Kedro.
    """
    host, _, port = master.rpartition(":")
    several = [f"--nnodes={nodes}", f"--node-rank={node}", f"--master-addr={host}", f"--master-port={port}"]
    agent = [sys.executable, "-m", "ceph_pipeline.training.distributed.agent", str(spec.with_name(f"agent_{node}.log"))]
    meeting = several if nodes > 1 else ["--standalone", "--local-addr=127.0.0.1"]
    ranks = [f"--nproc-per-node={devices}", "--max-restarts=0", f"--shutdown-timeout={SHUTDOWN_S}"]
    return [*agent, *meeting, *ranks, "-m", WORKER, str(spec)]


def rank_environment(devices: int) -> dict[str, str]:
    """Environment of an agent: its owner, and the cores per rank as OMP_NUM_THREADS unless that variable is set."""
    threads = max(1, (os.cpu_count() or 1) // devices)
    return {"OMP_NUM_THREADS": str(threads)} | os.environ | {OWNER: str(os.getpid())}


def _end(agent: subprocess.Popen[str]) -> None:
    """End a running agent and its ranks."""
    if agent.poll() is None:
        agent.terminate()
        try:
            agent.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.wait()

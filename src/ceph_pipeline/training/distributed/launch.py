"""The start of ranks on this machine, and what is made of their end."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import mlflow
import torch

from ceph_pipeline.training.distributed.failure import SHUTDOWN_S, Failure, first_failure
from ceph_pipeline.training.distributed.output import relay
from ceph_pipeline.training.distributed.owner import OWNER
from ceph_pipeline.training.distributed.shares import require_enough
from ceph_pipeline.training.distributed.spec import CREDENTIALS, discard_spec, write_spec
from ceph_pipeline.training.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from lightning.pytorch.loggers import MLFlowLogger

    from ceph_pipeline.training.params import LoopParams
    from ceph_pipeline.training.recipe import Recipe

logger = logging.getLogger(__name__)

WORKER = "ceph_pipeline.training.worker"
"""The module that each rank runs."""

PATIENCE_S = 30
"""How long an agent may take to end its ranks."""


def launch(recipe: Recipe, folder: Path, run_logger: MLFlowLogger | None) -> None:
    """Train in a process for each device, and wait for them.

    Where a device's memory does not take its batch, all ranks start again from the last complete epoch with smaller batches,
    more of them accumulated; several machines stop instead.

    Raises:
        TrainingError: the machine has fewer devices, the validation split has fewer images, or a rank has failed.
    """
    loop, optim, stage = recipe.params.loop, recipe.params.optim, recipe.stage
    require_devices(loop, stage)
    world, images = loop.devices * loop.nodes, recipe.tables.images
    require_enough(int(((images["split"] == "valid") & (images["kind"] == "original")).sum()), world, "validation")
    logger.info("%s: %d processes, an effective batch of %d", stage, world, optim.batch_size * optim.accumulate_batches * world)
    splits = 0
    while (failure := run_ranks(recipe, folder, run_logger, splits)) is not None:
        if not failure.out_of_memory or loop.nodes > 1:
            raise TrainingError(failure.message)
        splits += 1
        logger.warning(
            "%s: a device's memory is full. Smaller batches, more of them accumulated, keep the effective batch; BatchNorm sees "
            "the smaller ones. The ranks start again",
            stage,
        )


def run_ranks(recipe: Recipe, folder: Path, run_logger: MLFlowLogger | None, splits: int) -> Failure | None:
    """Start this machine's agent, log what rank 0 says, and wait.

    Args:
        recipe: What is trained.
        folder: Where the training keeps its state.
        run_logger: Of the MLflow run that rank 0 logs to.
        splits: How many times batches have been divided for want of memory.

    Returns:
        What went wrong, if anything; the ranks' logs then stay in `folder`.
    """
    loop, ranks = recipe.params.loop, folder / "ranks"
    master = f"{os.environ.get('MASTER_ADDR', socket.gethostname())}:{os.environ.get('MASTER_PORT', '29500')}"
    environment = rank_environment(loop.devices) | {CREDENTIALS: json.dumps(dict(recipe.store.folder.options))}
    if run_logger is not None:
        environment["MLFLOW_TRACKING_URI"] = mlflow.get_tracking_uri()
    shutil.rmtree(ranks, ignore_errors=True)
    spec = write_spec(recipe, folder, run_logger.run_id if run_logger is not None else None, master, splits)
    command = agent_command(spec, loop.devices, loop.nodes, master, node=0)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment) as agent:  # noqa: S603
        try:
            exits = relay(agent.stdout or ())
            failed = agent.wait() != 0
        finally:
            _end(agent)
            discard_spec(spec)
    if failed:
        return first_failure(recipe.stage, ranks, exits, loop.devices * loop.nodes)
    shutil.rmtree(ranks)
    return None


def require_devices(loop: LoopParams, stage: str) -> None:
    """Refuse more GPUs than there are, and SyncBN without any.

    Raises:
        TrainingError: this machine cannot give what the parameters ask for.
    """
    gpus = torch.cuda.device_count()
    if gpus and loop.devices > gpus:
        raise TrainingError(f"{stage}.loop.devices = {loop.devices}, but this machine has {gpus} GPU(s): lower it.")
    if loop.sync_batchnorm and not gpus:
        raise TrainingError(f"{stage}.loop.sync_batchnorm = true, but SyncBN computes on GPUs only: set it to false.")


def agent_command(spec: Path, devices: int, nodes: int, master: str, node: int) -> list[str]:
    """The command line of a machine's agent.

    Args:
        spec: The spec's path.
        devices: Ranks on each machine.
        nodes: Machines.
        master: `host:port` where the agents of several machines meet.
        node: Which machine this is; 0 is the one that runs Kedro.
    """
    host, _, port = master.rpartition(":")
    several = [f"--nnodes={nodes}", f"--node-rank={node}", f"--master-addr={host}", f"--master-port={port}"]
    agent = [sys.executable, "-m", "ceph_pipeline.training.distributed.agent", str(spec.with_name(f"agent_{node}.log"))]
    meeting = several if nodes > 1 else ["--standalone", "--local-addr=127.0.0.1"]
    ranks = [f"--nproc-per-node={devices}", "--max-restarts=0", f"--shutdown-timeout={SHUTDOWN_S}"]
    return [*agent, *meeting, *ranks, "-m", WORKER, str(spec)]


def rank_environment(devices: int) -> dict[str, str]:
    """Environment of an agent: its owner, and the cores shared out where nobody has said how many threads to use."""
    threads = max(1, (os.cpu_count() or 1) // devices)
    return {"OMP_NUM_THREADS": str(threads)} | os.environ | {OWNER: str(os.getpid())}


def _end(agent: subprocess.Popen[str]) -> None:
    """End an agent that still runs, and with it its ranks."""
    if agent.poll() is None:
        agent.terminate()
        try:
            agent.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.wait()

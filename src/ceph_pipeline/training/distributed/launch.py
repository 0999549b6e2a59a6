"""The start of ranks on this machine, and what is made of their end."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import mlflow
import torch

from ceph_pipeline.training.distributed.output import relay
from ceph_pipeline.training.distributed.owner import OWNER
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

    Raises:
        TrainingError: the machine has fewer devices, or a rank has failed.
    """
    loop = recipe.params.loop
    require_devices(loop, recipe.stage)
    logger.info(
        "%s: %d processes, an effective batch of %d",
        recipe.stage,
        loop.devices * loop.nodes,
        recipe.params.optim.batch_size * recipe.params.optim.accumulate_batches * loop.devices * loop.nodes,
    )
    master = f"{os.environ.get('MASTER_ADDR', socket.gethostname())}:{os.environ.get('MASTER_PORT', '29500')}"
    shutil.rmtree(folder / "ranks", ignore_errors=True)
    spec = write_spec(recipe, folder, run_logger.run_id if run_logger is not None else None, master)
    command = agent_command(spec, loop.devices, loop.nodes, master, node=0)
    environment = rank_environment(loop.devices) | {CREDENTIALS: json.dumps(dict(recipe.store.folder.options))}
    if run_logger is not None:
        environment["MLFLOW_TRACKING_URI"] = mlflow.get_tracking_uri()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment) as agent:  # noqa: S603
        try:
            exit_codes = relay(agent.stdout or ())
            failed = agent.wait() != 0
        finally:
            _end(agent)
            discard_spec(spec)
    if failed:
        raise TrainingError(explain_failure(recipe.stage, folder / "ranks", exit_codes, loop.devices * loop.nodes))
    shutil.rmtree(folder / "ranks")


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
    ranks = [f"--nproc-per-node={devices}", "--max-restarts=0", "--shutdown-timeout=10"]
    return [*agent, *meeting, *ranks, "-m", WORKER, str(spec)]


def rank_environment(devices: int) -> dict[str, str]:
    """Environment of an agent: its owner, and the cores shared out where nobody has said how many threads to use."""
    threads = max(1, (os.cpu_count() or 1) // devices)
    return {"OMP_NUM_THREADS": str(threads)} | os.environ | {OWNER: str(os.getpid())}


def explain_failure(stage: str, ranks: Path, exit_codes: dict[int, int], world: int) -> str:
    """Which rank failed first, why, where its log is, and what to do.

    A rank that was killed explains itself by its exit code; the others then fail for want of it. Without one the earliest
    recorded error is the cause.

    Args:
        stage: Of the training.
        ranks: Folder of the ranks' logs and errors.
        exit_codes: Of the ranks that failed, as the agent saw them.
        world: Number of ranks.
    """
    killed = {rank: -code for rank, code in exit_codes.items() if code < 0 and -code != signal.SIGTERM}
    errors = {int(path.stem.split("_")[1]): json.loads(path.read_text()) for path in ranks.glob("rank_*.json")}
    again = "Run the same command again to go on from the last complete epoch."
    if killed:
        rank, number = min(killed.items())
        hint = ", as the system does when memory runs out" if number == signal.SIGKILL else ""
        what = f"was killed by {signal.Signals(number).name}{hint}"
    elif errors:
        rank = min(errors, key=lambda rank: float(errors[rank]["time"]))
        what = f"failed:\n{errors[rank]['message']}\n"
    else:
        return f"{stage}: the ranks did not start or were stopped; see {ranks / 'agent_0.log'}. {again}"
    return f"{stage}: rank {rank} of {world} {what}; its log is {ranks / f'rank_{rank}.log'}. {again}"


def _end(agent: subprocess.Popen[str]) -> None:
    """End an agent that still runs, and with it its ranks."""
    if agent.poll() is None:
        agent.terminate()
        try:
            agent.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.wait()

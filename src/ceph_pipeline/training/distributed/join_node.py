"""Lets another machine join a training: `python -m ceph_pipeline.training.distributed.join_node FOLDER --node 1`.

The machine that runs Kedro is node 0. Other machines require the same files under the same paths; this command waits for the
training of node 0.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from pydantic import ValidationError

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.distributed.launch import agent_command, rank_environment
from ceph_pipeline.training.distributed.lock import holder
from ceph_pipeline.training.distributed.spec import Spec, spec_path

INTERVAL_S = 1.0
"""Time between two checks of the folder."""


def main(arguments: list[str] | None = None) -> int:
    """Wait until a training runs in the folder, start this machine's ranks, and return their agent's exit code."""
    parser = argparse.ArgumentParser(description="Let this machine join a training that another machine starts.")
    parser.add_argument("folder", type=Path, help="folder of the training's state, e.g. data/06_models/stage1")
    parser.add_argument(
        "--node",
        type=int,
        default=os.environ.get("SLURM_PROCID"),
        help="number of this machine: 1, 2, … (default under Slurm: the task's number)",
    )
    options = parser.parse_args(arguments)
    if not options.node:
        parser.error("--node must be at least 1: 0 is the machine that runs Kedro.")
    while (spec := spec_in_force(options.folder)) is None:
        time.sleep(INTERVAL_S)
    command = agent_command(spec_path(options.folder), spec.devices, spec.nodes, spec.master, options.node)
    return subprocess.run(command, env=rank_environment(spec.devices), check=False).returncode  # noqa: S603


def spec_in_force(folder: Path) -> Spec | None:
    """The spec of the training that runs in a folder; None if no training runs.

    The spec of a killed training is ignored: a new training can hold the folder's lock before it replaces this spec.

    Raises:
        TrainingError: another version of the program wrote the spec.
    """
    process, path = holder(folder), spec_path(folder)
    try:
        content = path.read_bytes()
        if process is None or json.loads(content).get("process") != process:
            return None
    except FileNotFoundError:
        return None
    try:
        return Spec.model_validate_json(content)
    except ValidationError as error:
        raise TrainingError(
            f"{path}: not readable by this machine's version ({error.errors()[0]['msg']} at {error.errors()[0]['loc']}). "
            "Install the same version on all machines."
        ) from None


if __name__ == "__main__":
    sys.exit(main())

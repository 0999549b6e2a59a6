"""Another machine's part in a training: `python -m ceph_pipeline.training.join FOLDER --node 1`.

The machine that runs Kedro is node 0. The others need the same files under the same paths, and wait here for its training.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from ceph_pipeline.training.distributed.launch import agent_command, rank_environment
from ceph_pipeline.training.distributed.lock import is_locked
from ceph_pipeline.training.distributed.spec import Spec, spec_path

INTERVAL_S = 1.0
"""Between two looks at the folder."""


def main(arguments: list[str] | None = None) -> int:
    """Wait until a training runs in the folder, start this machine's ranks, and return their agent's exit code."""
    parser = argparse.ArgumentParser(description="Let this machine take part in a training that another machine starts.")
    parser.add_argument("folder", type=Path, help="where that training keeps its state, e.g. data/06_models/stage1")
    parser.add_argument("--node", type=int, default=os.environ.get("SLURM_PROCID"), help="1, 2, … (under Slurm: the task)")
    options = parser.parse_args(arguments)
    if not options.node:
        parser.error("--node has to be 1 or more: 0 is the machine that runs Kedro.")
    path = spec_path(options.folder)
    while not (path.is_file() and is_locked(options.folder)):
        time.sleep(INTERVAL_S)
    spec = Spec.model_validate_json(path.read_bytes())
    command = agent_command(path, spec.devices, spec.nodes, spec.master, options.node)
    return subprocess.run(command, env=rank_environment(spec.devices), check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())

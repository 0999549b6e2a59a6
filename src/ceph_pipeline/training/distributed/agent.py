"""Runs torchrun, and ends with the process that started it.

Usage: `python -m ceph_pipeline.training.distributed.agent LOG <torchrun's options>`.
"""

import json
import os
import sys
from pathlib import Path

from ceph_pipeline.training.distributed.rank import OWNER, end_with_owner


def main(log: Path, options: list[str]) -> None:
    """Run torchrun's agent, and write the failed ranks to standard output as JSON.

    Args:
        log: File for torchrun's output.
        options: Options of `torch.distributed.run`.
    """
    end_with_owner()
    os.environ[OWNER] = str(os.getpid())
    with log.open("w", encoding="utf-8") as sys.stderr:  # the ranks inherit the descriptor, which is still the console
        from torch.distributed import run
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

        try:
            run.main(options)
        except ChildFailedError as error:
            exits = {rank: [failure.exitcode, failure.timestamp] for rank, failure in error.failures.items()}
            print(json.dumps({"exits": exits}), flush=True)  # noqa: T201 - the channel to the launcher
            sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

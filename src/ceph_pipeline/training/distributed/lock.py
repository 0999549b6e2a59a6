"""One training at a time in a folder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ceph_pipeline.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from training into a folder.

    The operating system holds the lock and drops it with the process, however that ends: there is no stale lock. It is a
    record lock, which forked data loaders do not inherit and which network file systems pass on to other machines.

    Raises:
        TrainingError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(f"{folder}: another training ({_holder(file)}) writes here. Wait for it, or stop it.") from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "machine": socket.gethostname()}))
        file.flush()
        yield


def is_locked(folder: Path) -> bool:
    """Whether another process, on whatever machine, trains into a folder."""
    try:
        with (folder / ".lock").open("a+", encoding="utf-8") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _holder(file: TextIO) -> str:
    """Who wrote the lock file: the process that holds the lock, or has taken it this moment."""
    file.seek(0)
    try:
        record = json.loads(file.read())
        return f"process {record['pid']} on {record['machine']}"
    except (json.JSONDecodeError, KeyError):
        return "of another process"

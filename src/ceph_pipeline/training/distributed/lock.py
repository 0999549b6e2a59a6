"""One training at a time in a folder."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import struct
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from ceph_pipeline.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESS = secrets.token_hex(8)
"""Tells this process from all others; its number returns, in containers with every start."""


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
        file.write(json.dumps({"pid": os.getpid(), "machine": socket.gethostname(), "process": PROCESS}))
        file.flush()
        yield


def holder(folder: Path) -> str | None:
    """`PROCESS` of the one that trains into a folder, on whatever machine; None while none does, or has not said so yet.

    The question takes no lock, so that it never stands in a training's way. Only for other processes: to close the file would
    drop the lock of the one that asks about itself.
    """
    try:
        with (folder / ".lock").open(encoding="utf-8") as file:
            return _record(file).get("process") if _is_locked(file) else None
    except FileNotFoundError:
        return None


def _is_locked(file: TextIO) -> bool:
    """Whether another process holds a lock on a file: the kernel's answer to whether this one could have it."""
    layout, place = ("qqihh", 3) if sys.platform == "darwin" else ("hhqqi0q", 0)  # of `struct flock`, and of its l_type
    question = [0] * 5
    question[place] = fcntl.F_WRLCK
    answer = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(layout, *question)))
    return bool(answer[place] != fcntl.F_UNLCK)


def _holder(file: TextIO) -> str:
    """Who wrote the lock file: the process that holds the lock, or has taken it this moment."""
    record = _record(file)
    return f"process {record['pid']} on {record['machine']}" if record else "of another process"


def _record(file: TextIO) -> dict[str, Any]:
    file.seek(0)
    try:
        record: dict[str, Any] = json.loads(file.read())
    except json.JSONDecodeError:
        return {}
    return record

"""One training at a time in a folder."""

from __future__ import annotations

import json
import os
import secrets
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ceph_pipeline.artifacts import DiskError, write_atomically
from ceph_pipeline.artifacts.disk import refusals_explained
from ceph_pipeline.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESS = secrets.token_hex(8)
"""Tells this process from all others; its number returns, in containers with every start."""

LOCK = ".lock"
"""Held by a training. Only trainings try for it."""

PROBE = ".lock.probe"
"""A training holds it too. To ask whether a training runs is to try for this lock, since no system answers otherwise."""

RECORD = ".lock.json"
"""Says which process holds the locks."""

PATIENCE_S = 60.0
"""How long a training that starts waits for `PROBE`: who asks lets go of it within `ASKING_S`, unless suspended."""

ASKING_S = 0.5
"""How long one who asks waits for `PROBE`: enough for others who ask to let go of it, which they do at once."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from training into a folder.

    The operating system holds the locks and drops them with the process, however that ends: there is no stale lock, as there
    could be with files that merely exist (filelock's soft locks). Forked data loaders do not inherit them, and network file
    systems pass them on to other machines.

    Raises:
        TrainingError: another process trains there, or the file system has no locks.
        DiskError: the disk is full, or may not be written to.
    """
    with ExitStack() as locks:
        try:
            with refusals_explained(folder):
                folder.mkdir(parents=True, exist_ok=True)
                locks.enter_context(FileLock(folder / LOCK, blocking=False, fallback_to_soft=False))
                record = {"pid": os.getpid(), "machine": socket.gethostname(), "process": PROCESS}
                write_atomically(folder / RECORD, json.dumps(record))
                locks.enter_context(FileLock(folder / PROBE, timeout=PATIENCE_S, fallback_to_soft=False))
        except Timeout as error:
            if error.lock_file == str(folder / PROBE):
                raise TrainingError(
                    f"{folder}: a process that asked whether a training runs here has held {PROBE} for {PATIENCE_S:g} s: it is "
                    "suspended. End it, and run again."
                ) from None
            raise TrainingError(
                f"{folder}: another training ({_holder_in_words(folder)}) writes here. Wait for it, or stop it."
            ) from None
        except DiskError:
            raise
        except OSError as error:
            raise TrainingError(
                f"{folder}: cannot be locked against a second training ({error.strerror or error}). Set data_root in globals.yml "
                "to a disk whose file system has locks."
            ) from error
        yield


def holder(folder: Path) -> str | None:
    """`PROCESS` of the one that trains into a folder, on whatever machine; None where none does.

    Where this process may not try for locks, as in a folder of somebody else's, nobody can tell: the answer is the one that
    trained there last, as if it still did.

    The question never stops a training from starting: it does not touch `LOCK`, and a training that starts waits for `PROBE`,
    which the question holds only for a moment.
    """
    if not (folder / PROBE).exists():
        return None
    try:
        with FileLock(folder / PROBE, timeout=ASKING_S, fallback_to_soft=False):
            return None
    except OSError:  # filelock's Timeout is one
        return _record(folder).get("process")


def _holder_in_words(folder: Path) -> str:
    """Who has recorded that they hold the locks; for a moment after the locks are taken, that is still the one before."""
    record = _record(folder)
    return f"process {record['pid']} on {record['machine']}" if record else "an unknown process"


def _record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except OSError:
        return {}
    return record

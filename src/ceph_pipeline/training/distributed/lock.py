"""Locks a folder, so that only one training at a time uses it."""

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
"""Identifies this process; process numbers are reused, in containers at every start."""

LOCK = ".lock"
"""Lock of a training; only trainings try to acquire it."""

PROBE = ".lock.probe"
"""Second lock of a training. Other processes try to acquire it to check whether a training runs."""

RECORD = ".lock.json"
"""File that identifies the process with the locks."""

PATIENCE_S = 60.0
"""Timeout of a starting training for `PROBE`; other processes release `PROBE` at once, unless they are suspended."""

ASKING_S = 0.5
"""Timeout of a check for `PROBE`; other checks release `PROBE` at once."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from training into a folder.

    The operating system releases the locks when the process ends in any way. Stale locks therefore cannot occur, unlike with
    filelock's soft locks, which are files. Forked data loaders do not inherit the locks. Network file systems share the locks
    between machines.

    Raises:
        TrainingError: another process trains in the folder, or the file system does not support locks.
        DiskError: the disk is full or not writable.
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
                    f"{folder}: a process that checks for a running training has held {PROBE} for {PATIENCE_S:g} s and is "
                    "probably suspended. End that process, and run again."
                ) from None
            raise TrainingError(
                f"{folder}: another training ({_holder_in_words(folder)}) uses this folder. Wait for it, or stop it."
            ) from None
        except DiskError:
            raise
        except OSError as error:
            raise TrainingError(
                f"{folder}: cannot be locked against a second training ({error.strerror or error}). Set data_root in globals.yml "
                "to a disk whose file system supports locks."
            ) from error
        yield


def holder(folder: Path) -> str | None:
    """`PROCESS` of the training that runs in a folder, on any machine; None if no training runs.

    If this process has no permission to lock files in the folder, the result is the process that trained there last.

    This check never prevents a training from starting: it does not use `LOCK`, and a starting training waits for `PROBE`, which
    the check holds only briefly.
    """
    if not (folder / PROBE).exists():
        return None
    try:
        with FileLock(folder / PROBE, timeout=ASKING_S, fallback_to_soft=False):
            return None
    except OSError:  # filelock's Timeout is one
        return _record(folder).get("process")


def _holder_in_words(folder: Path) -> str:
    """The process that has recorded that it holds the locks; just after a change, still the previous process."""
    record = _record(folder)
    return f"process {record['pid']} on {record['machine']}" if record else "an unknown process"


def _record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except OSError:
        return {}
    return record

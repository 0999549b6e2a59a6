"""Atomic writing of files: a file is either complete or absent."""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor

from ceph_pipeline.artifacts.disk import make_folder, refusals_explained

_UNFINISHED = re.compile(r"\..+\.part-[0-9a-f]{8}(\.\w+)?")
"""Temporary names under which files are written; a killed process leaves them behind."""

_OPEN_STAYS = sys.platform == "win32"
"""Windows neither deletes nor renames open files, so that an open file protects itself. A lock would exclude the writer too."""


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path next to `target`; the file is renamed to `target` when the block ends without an error.

    The temporary name has the same suffix, because some writers choose the format by the suffix. Missing parent folders are
    created. The block receives an empty file: write into this file, and do not replace it by another one.

    Raises:
        DiskError: the disk is full, or may not be written to.
    """
    with refusals_explained(target):
        make_folder(target.parent)
        temporary = target.with_name(f".{target.stem}.part-{secrets.token_hex(4)}{target.suffix}")
        try:
            with _claimed(temporary) as claim:
                yield temporary
                if _OPEN_STAYS:
                    claim.close()
                temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes | str) -> None:
    """Write bytes or UTF-8 text, with unchanged line endings, under a temporary name, then rename the file.

    Raises:
        DiskError: the disk is full, or may not be written to.
    """
    with atomic_path(target) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def sweep(folder: Path) -> int:
    """Delete unfinished files of killed processes in a folder and its subfolders; files of running processes are kept.

    A writer holds a lock on its file, on network file systems too, and the operating system releases the lock when the process
    ends. On Windows the writer keeps the file open until it renames the file.

    Args:
        folder: Need not exist.

    Returns:
        Number of deleted files.
    """
    return sum(
        _abandoned(Path(place, name)) for place, _, names in os.walk(folder) for name in names if _UNFINISHED.fullmatch(name)
    )


def _abandoned(file: Path) -> bool:
    """Delete a file if no process is writing it; return whether it was deleted."""
    try:
        with file.open("r+b") as stream:
            if _OPEN_STAYS:
                stream.close()
            elif not lock_descriptor(stream.fileno(), blocking=False):
                return False
            file.unlink()
    except OSError:  # the writer is running or has just finished, or deleting is not permitted
        return False
    return True


@contextmanager
def _claimed(file: Path) -> Iterator[BinaryIO]:
    """Create an empty file and hold its lock; a file that was swept before it was locked is created again."""
    while True:
        with file.open("ab") as stream:
            if not _OPEN_STAYS:
                with suppress(OSError):  # a file system without locks, where `sweep` deletes nothing
                    lock_descriptor(stream.fileno())
            if _is_at(file, stream.fileno()):
                yield stream
                return


def _is_at(file: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    return False

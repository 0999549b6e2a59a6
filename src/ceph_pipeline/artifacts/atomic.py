"""Files that appear complete or not at all."""

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
"""Windows neither deletes nor renames an open file: there its writer claims it by that. A lock would keep the writer out too."""


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target` that takes its name when the block ends without an error.

    The temporary name keeps the suffix, so that writers which choose a format by it work. Missing parents are made. The file
    is there, empty, when the block begins: write into it, and do not replace it by another.

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
    """Write bytes or UTF-8 text, its line ends as they are, under a temporary name, then rename.

    Raises:
        DiskError: the disk is full, or may not be written to.
    """
    with atomic_path(target) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def sweep(folder: Path) -> int:
    """Delete what killed processes left half-written in a folder and below it; what a live one writes stays.

    The operating system tells one from the other: a writer holds a lock on its file, on network file systems too, and loses it
    with its life. On Windows it has the file open, up to the moment of renaming it.

    Args:
        folder: Need not exist.

    Returns:
        How many files were deleted.
    """
    return sum(
        _abandoned(Path(place, name)) for place, _, names in os.walk(folder) for name in names if _UNFINISHED.fullmatch(name)
    )


def _abandoned(file: Path) -> bool:
    """Whether nobody writes a file any more; if so, it is deleted."""
    try:
        with file.open("r+b") as stream:
            if _OPEN_STAYS:
                stream.close()
            elif not lock_descriptor(stream.fileno(), blocking=False):
                return False
            file.unlink()
    except OSError:  # its writer lives, or has just finished; or we may not
        return False
    return True


@contextmanager
def _claimed(file: Path) -> Iterator[BinaryIO]:
    """Make an empty file and hold its lock; one that was swept before it was locked is made again."""
    while True:
        with file.open("ab") as stream:
            if not _OPEN_STAYS:
                with suppress(OSError):  # a file system without locks, on which nothing is swept either
                    lock_descriptor(stream.fileno())
            if _is_at(file, stream.fileno()):
                yield stream
                return


def _is_at(file: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    return False

"""What a disk refuses, in one message: it is full, or may not be written to."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ceph_pipeline.errors import CephError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


class DiskError(CephError, OSError):
    """A disk is full, or may not be written to."""


@contextmanager
def refusals_explained(place: Path) -> Iterator[None]:
    """Turn what a disk refuses while the block writes to a place into one message; other errors pass.

    Raises:
        DiskError: the disk is full, or may not be written to.
    """
    try:
        yield
    except DiskError:
        raise
    except OSError as error:
        message = refusal(error, place)
        if message is None:
            raise
        raise DiskError(message) from error


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, where they are not there.

    Raises:
        DiskError: its file system holds none that are made, as that of `/proc`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        raise DiskError(f"{folder} cannot be made: no folders can be made there. Name another place.") from None


def refusal(error: OSError, place: Path) -> str | None:
    """The message for an error of a disk that is full or may not be written to; None for other errors.

    Example:
        >>> refusal(PermissionError(13, "Permission denied"), Path("a.png")).partition(". ")[0]
        'a.png cannot be written: Permission denied'
    """
    if error.errno not in _FULL | _FORBIDDEN:
        return None
    refused = f"{place} cannot be written: {os.strerror(error.errno)}"
    if error.errno in _FULL:
        return (
            f"{refused}, {readable_size(free_bytes(place))} are free. Make room, or set data_root in globals.yml to another "
            "disk; what is written is kept."
        )
    return f"{refused}. Set data_root in globals.yml to a place where you may write, or change its permissions."


def obstruction(error: OSError, place: Path) -> str | None:
    """The message for a file where a folder is needed, a folder where a file is, or a name that is none; else None.

    Example:
        >>> obstruction(FileExistsError(17, "File exists"), Path("out")).partition(". ")[0]
        'out cannot be written: File exists'
    """
    if error.errno not in _IN_THE_WAY:
        return None
    found = os.strerror(error.errno)
    return f"{place} cannot be written: {found}. Move away what is there, or name another place, as data_root does for results."


def free_bytes(place: Path) -> int:
    """Room on the disk of a path, which need not exist yet."""
    absolute = place.absolute()
    return shutil.disk_usage(next(parent for parent in (absolute, *absolute.parents) if parent.exists())).free


def readable_size(size_bytes: float) -> str:
    """A size in the unit that suits it, to two digits.

    Example:
        >>> readable_size(1536), readable_size(52_428_800), readable_size(10.8e9)
        ('1.5 kB', '52 MB', '11 GB')
    """
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size_bytes >= 999.5 and len(units) > 1:
        size_bytes /= 1000
        units.pop(0)
    digits = 1 if units[0] != "bytes" and size_bytes < 9.95 else 0
    return f"{size_bytes:.{digits}f} {units[0]}"

"""Turn disk-full and permission errors into messages for the user."""

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
    """Turn disk-full and permission errors of the block into a `DiskError`; other errors are raised unchanged.

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
    """Create a folder and its parents, if they do not exist.

    Raises:
        DiskError: the file system does not allow new folders, such as `/proc`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError:
        raise DiskError(f"{folder} cannot be created: the file system does not allow new folders. Choose another path.") from None


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
            f"{refused}, {readable_size(free_bytes(place))} are free. Free some space, or set data_root in globals.yml to "
            "another disk; completed files are kept."
        )
    return f"{refused}. Set data_root in globals.yml to a folder where you may write, or change its permissions."


def obstruction(error: OSError, place: Path) -> str | None:
    """The message for a path that is blocked by an existing file or folder or has an invalid name; None for other errors.

    Example:
        >>> obstruction(FileExistsError(17, "File exists"), Path("out")).partition(". ")[0]
        'out cannot be written: File exists'
    """
    if error.errno not in _IN_THE_WAY:
        return None
    found = os.strerror(error.errno)
    return f"{place} cannot be written: {found}. Move the existing file or folder away, or choose another path (data_root)."


def free_bytes(place: Path) -> int:
    """Free space on the disk of a path, which need not exist yet."""
    absolute = place.absolute()
    return shutil.disk_usage(next(parent for parent in (absolute, *absolute.parents) if parent.exists())).free


def readable_size(size_bytes: float) -> str:
    """A size in a suitable unit, rounded to an integer, or to one decimal below 10 kB, MB, GB or TB.

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

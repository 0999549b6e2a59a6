"""Atomic replacement of whole folders, with locks and with recovery after a crash."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ceph_pipeline.artifacts.disk import make_folder, refusals_explained
from ceph_pipeline.artifacts.folder import FolderError


@contextmanager
def scratch_beside(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder next to `folder`; it is deleted when the block ends, unless it has been renamed.

    A lock excludes other processes during the block. Remains of killed processes are removed first, as by `recover`.

    Raises:
        FolderError: another process is replacing the folder.
        DiskError: the disk is full, or may not be written to.
    """
    with _alone_at(folder):
        _tidy(folder)
        scratch = _scratch(folder)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            _tidy(folder)


def replace_folder(folder: Path, scratch: Path) -> None:
    """Replace `folder` by the folder from `scratch_beside`; the earlier content is deleted when the block of the latter ends."""
    if folder.exists():
        folder.rename(_replaced(folder))
    scratch.rename(folder)


def recover(folder: Path) -> None:
    """Repair a folder after a process was killed while it replaced the folder.

    If the new folder is not in place, the earlier one is restored. Unfinished files are deleted. Nothing is done while another
    process replaces the folder.
    """
    if os.path.lexists(_scratch(folder)) or os.path.lexists(_replaced(folder)):
        with suppress(FolderError), _alone_at(folder):
            _tidy(folder)


@contextmanager
def refilled(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield an empty folder; when the block ends without an error, its files replace those in `folder`.

    Until then all earlier results are kept. Earlier and later results are never mixed. Remains of a killed run are removed.

    Args:
        folder: Need not exist. Files with other suffixes, hidden files and subfolders are not results and are kept.
        suffix: Suffix of the results, with its dot.

    Raises:
        FolderError: another process is filling the folder.
        DiskError: the disk is full, or may not be written to.
    """
    with scratch_beside(folder) as scratch:
        yield scratch
        results = list(scratch.iterdir())
        if results:
            folder.mkdir(exist_ok=True)
        for file in folder.glob(f"*{suffix}"):
            if not file.name.startswith(".") and file.is_file():
                file.unlink()
        for file in results:
            file.replace(folder / file.name)


def _scratch(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.filling")


def _replaced(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


@contextmanager
def alone_at(folder: Path, lock: Path) -> Iterator[None]:
    """Hold the lock of a folder. The lock file is kept; the operating system releases the lock when the process ends.

    Raises:
        FolderError: another process holds the lock.
        DiskError: the disk is full, or may not be written to.
    """
    with ExitStack() as locks:
        try:
            with refusals_explained(folder):
                make_folder(lock.parent)
                locks.enter_context(FileLock(lock, timeout=0))
        except Timeout:
            raise FolderError(
                f"{folder}: another run is writing to this folder. Wait until it ends, or set another data_root."
            ) from None
        yield


def _alone_at(folder: Path) -> AbstractContextManager[None]:
    return alone_at(folder, folder.with_name(f".{folder.name}.lock"))


def _tidy(folder: Path) -> None:
    """Remove the temporary and the replaced folder; the replaced folder is restored if no other has taken its place."""
    scratch, replaced = _scratch(folder), _replaced(folder)
    if os.path.lexists(replaced) and not os.path.lexists(folder):
        replaced.rename(folder)
    for remains in (scratch, replaced):
        if remains.is_symlink() or remains.is_file():
            remains.unlink()
        else:
            shutil.rmtree(remains, ignore_errors=True)

"""Folders that take the place of an earlier one, whole or not at all, of one run at a time."""

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
    """Give an empty folder beside `folder` to fill; it is gone when the block ends, unless it has been renamed.

    Nobody else gets one for the same folder meanwhile. What killed processes have left is swept away, as by `recover`.

    Raises:
        FolderError: another process is at it.
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
    """Put what `scratch_beside` has given in the place of `folder`, whose earlier content goes when its block ends."""
    if folder.exists():
        folder.rename(_replaced(folder))
    scratch.rename(folder)


def recover(folder: Path) -> None:
    """Make good what a process has left that was killed while it replaced a folder.

    A folder that is gone because its successor had not taken its place yet is back; what was half-written is deleted. Nothing
    happens while another process is at it.
    """
    if os.path.lexists(_scratch(folder)) or os.path.lexists(_replaced(folder)):
        with suppress(FolderError), _alone_at(folder):
            _tidy(folder)


@contextmanager
def filled_anew(folder: Path, suffix: str) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends without an error, its files take the place of those in `folder`.

    Until then the earlier results stay, all of them, and none is ever there beside a later one. What a killed run has left is
    swept away.

    Args:
        folder: Need not exist. Files of other suffixes, hidden files and subfolders are nobody's results and stay.
        suffix: Of the results, with its dot.

    Raises:
        FolderError: another process is filling it.
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
    """Hold the lock of a folder, a file that stays; the operating system drops the lock with its process.

    Raises:
        FolderError: another process holds it.
        DiskError: the disk is full, or may not be written to.
    """
    with ExitStack() as locks:
        try:
            with refusals_explained(folder):
                make_folder(lock.parent)
                locks.enter_context(FileLock(lock, timeout=0))
        except Timeout:
            raise FolderError(
                f"{folder}: another run is writing there. Wait for it, or write elsewhere: set another data_root."
            ) from None
        yield


def _alone_at(folder: Path) -> AbstractContextManager[None]:
    return alone_at(folder, folder.with_name(f".{folder.name}.lock"))


def _tidy(folder: Path) -> None:
    """Leave neither scratch nor predecessor; the predecessor comes back where nothing has taken its place."""
    scratch, replaced = _scratch(folder), _replaced(folder)
    if os.path.lexists(replaced) and not os.path.lexists(folder):
        replaced.rename(folder)
    for remains in (scratch, replaced):
        if remains.is_symlink() or remains.is_file():
            remains.unlink()
        else:
            shutil.rmtree(remains, ignore_errors=True)

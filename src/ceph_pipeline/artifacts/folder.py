"""A folder on a disk or on object storage whose files appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import fsspec
from fsspec.utils import get_protocol, tokenize

from ceph_pipeline.artifacts.atomic import write_atomically
from ceph_pipeline.artifacts.disk import DiskError, free_bytes, readable_size
from ceph_pipeline.errors import CephError, InvalidValueError

_REFUSED = "may not be read"
_FETCHED_AT_ONCE = 8
"""Most of a small object's time is waiting for the server."""


class FolderError(CephError, OSError):
    """A folder cannot be written to, or its store not be reached."""


@dataclass(frozen=True)
class Folder:
    """A small picklable handle: workers receive it and touch the files themselves.

    On a disk a file is written under a temporary name and renamed; object storage publishes whole objects anyway.

        folder = Folder("s3://bucket/augmented")
        folder.write("a.json", b"{}")
        folder.names()   # ["a.json"]

    Attributes:
        url: A path, or any fsspec URL such as `s3://bucket/prefix`.
        options: For the file system: endpoint, credentials. Never shown.
    """

    url: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the folder lies on a disk of this machine, mounted ones included."""
        return get_protocol(self.url) in ("file", "local")

    @property
    def path(self) -> Path:
        """The folder as a path; only of a local folder.

        Raises:
            ValueError: the folder is on object storage.
        """
        if not self.is_local:
            raise InvalidValueError(f"{self.url} is no folder of this machine.")
        return Path(self.url.removeprefix("file://").removeprefix("local://"))

    def names(self) -> list[str]:
        """Names of the folder's files, in no order; none where the folder does not exist."""
        if self.is_local:
            return [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []
        try:
            with self._remote() as (fs, root):
                return [str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in fs.ls(root, detail=False)]
        except FileNotFoundError:
            return []

    def stamps(self) -> dict[str, str]:
        """Every file at any depth: its path with forward slashes, and what changes when its content does.

        Of a disk that is size and time, of object storage what it lists of an object, such as its ETag. No content is read.
        Folders that cannot be opened are listed with a stamp too; empty objects that stand for folders are not.

        Raises:
            FileNotFoundError: there is no such folder.
            FolderError: the store cannot be reached, or does not let us list it.
        """
        if self.is_local:
            return dict(_stamps(self.path))
        with self._remote() as (fs, root):
            found = {str(path).removeprefix(root)[1:]: entry for path, entry in fs.find(root, detail=True).items()}
        if not found:
            raise FileNotFoundError(f"{self.url}: nothing is there.")
        folders = {str(parent) for path in found for parent in PurePosixPath(path).parents}
        files = {path: entry for path, entry in found.items() if path[-1:] not in ("", "/") and path not in folders}
        return {path: str(tokenize(entry)) for path, entry in files.items()}

    def fetch(self, names: Iterable[str], target: Path) -> dict[str, str]:
        """Copy files from object storage into a folder of this machine, under their names in here.

        Returns:
            Why some are not there, by name: they are gone, may not be read, or have a name that this machine cannot give a file.

        Raises:
            FolderError: the store cannot be reached, or fails.
            DiskError: the disk is full, or may not be written to.
        """
        names = list(names)
        with self._remote() as (fs, root), ThreadPoolExecutor(_FETCHED_AT_ONCE) as threads:
            reasons = list(threads.map(lambda name: _copy(fs, root, name, target), names))
            if _REFUSED in reasons:
                fs.ls(root, detail=False)  # refused as well where the keys are no longer good
        return {name: reason for name, reason in zip(names, reasons, strict=True) if reason is not None}

    def exists(self, name: str) -> bool:
        """Whether a file has been written."""
        if self.is_local:
            return (self.path / name).exists()
        with self._remote() as (fs, root):
            return bool(fs.exists(f"{root}/{name}"))

    def open(self, name: str) -> IO[bytes]:
        """A file for reading.

        Raises:
            FileNotFoundError: there is none.
        """
        if self.is_local:
            return (self.path / name).open("rb")
        with self._remote() as (fs, root):
            return cast("IO[bytes]", fs.open(f"{root}/{name}", "rb"))

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            FileNotFoundError: there is none.
        """
        if self.is_local:
            return (self.path / name).read_bytes()
        with self._remote() as (fs, root):
            return bytes(fs.cat_file(f"{root}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Write a file; missing folders are made."""
        if self.is_local:
            write_atomically(self.path / name, content)
        else:
            with self._remote() as (fs, root):
                fs.pipe_file(f"{root}/{name}", content)

    def upload(self, file: Path) -> None:
        """Copy a file into a folder on object storage, under its own name."""
        with self._remote() as (fs, root):
            fs.put_file(str(file), f"{root}/{file.name}")

    def remove(self, names: Iterable[str]) -> None:
        """Delete files that are there."""
        if self.is_local:
            for name in names:
                (self.path / name).unlink(missing_ok=True)
        elif paths := list(names):
            with self._remote() as (fs, root):
                fs.rm([f"{root}/{name}" for name in paths])

    def check_writable(self) -> None:
        """Make sure, before work begins, that files can be written.

        Raises:
            DiskError: the disk is full, or may not be written to.
            FolderError: they cannot for another reason.
        """
        probe = f".probe.{secrets.token_hex(4)}"
        try:
            self.write(probe, b"")
            self.remove([probe])
        except DiskError:
            raise
        except OSError as error:
            raise FolderError(
                f"{self.url} cannot be written to: {error}. Set data_root in globals.yml to a place where you may write, or "
                "change its permissions."
            ) from error

    def check_space(self, needed_bytes: float) -> None:
        """Make sure that a disk has room; object storage has no end.

        Raises:
            DiskError: it has not.
        """
        if not self.is_local:
            return
        free = free_bytes(self.path)
        if free < needed_bytes:
            raise DiskError(
                f"{self.url}: about {readable_size(needed_bytes)} are to be written, but {readable_size(free)} are free. Make "
                "room, or set data_root in globals.yml to another disk."
            )

    @contextmanager
    def _remote(self) -> Iterator[tuple[fsspec.AbstractFileSystem, str]]:
        """File system and root in it. Listings are not kept: what others write must be seen.

        Raises:
            FolderError: no server answers, or it does not know us.
        """
        try:
            fs, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False, **self.options)
            yield fs, str(root)
        except PermissionError as error:
            raise FolderError(
                f"{self.url}: access is refused ({error}). Check the keys that the store's client looks for "
                "(AWS_ACCESS_KEY_ID, …)."
            ) from error
        except OSError:  # of the file system itself: no such file, no such bucket, no permission
            raise
        except Exception as error:  # of its client, which has errors of its own
            raise FolderError(
                f"{self.url} cannot be reached: {error}. Check data_root in globals.yml, or inference_folder, the network, and "
                "the endpoint and keys that the store's client looks for (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …)."
            ) from error


def _copy(fs: fsspec.AbstractFileSystem, root: str, name: str, target: Path) -> str | None:
    """Copy one object; the reason where it cannot be had although the store answers."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return "its name leads out of the folder"
    try:
        content = fs.cat_file(f"{root}/{name}")
    except (FileNotFoundError, IsADirectoryError):
        return "gone since it was listed"
    except PermissionError:
        return _REFUSED
    except OSError as error:
        raise FolderError(f"{root}/{name} cannot be read: {error}. Run again: what is complete stays.") from error
    try:
        write_atomically(target / name, bytes(content))
    except DiskError:
        raise
    except OSError as error:
        return f"cannot be copied: {error.strerror}"
    return None


def _stamps(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and stamp of a disk's files, and of folders that cannot be opened. Links to folders are not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from ((f"{entry.name}/{name}", stamp) for name, stamp in _stamps(Path(entry)))
                else:
                    known = entry.stat()
                    yield entry.name, f"{known.st_size}-{known.st_mtime_ns}"
            except OSError:  # a folder that is closed to us, a link to nowhere, a file that is gone
                yield entry.name, "unreadable"

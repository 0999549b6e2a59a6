"""A folder on a disk or on object storage whose files are written atomically."""

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

_REFUSED = "reading is not permitted"
_FETCHED_AT_ONCE = 8
"""Parallel downloads, because most of the time of a small download is latency."""


class FolderError(CephError, OSError):
    """A folder cannot be written to, or its object storage cannot be reached."""


@dataclass(frozen=True)
class Folder:
    """A small picklable handle of a folder; workers receive the handle and access the files themselves.

    On a disk, a file is written under a temporary name and renamed. Object storage always publishes complete objects.

        folder = Folder("s3://bucket/augmented")
        folder.write("a.json", b"{}")
        folder.names()   # ["a.json"]

    Attributes:
        url: A path, or any fsspec URL such as `s3://bucket/prefix`.
        options: Options of the file system, such as endpoint and credentials; not part of the representation.
    """

    url: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the folder is on a local or mounted disk."""
        return "://" not in self.url or get_protocol(self.url) in ("file", "local")

    @property
    def path(self) -> Path:
        """The path of a local folder.

        Raises:
            ValueError: the folder is on object storage.
        """
        if not self.is_local:
            raise InvalidValueError(f"{self.url} is not a local folder.")
        return Path(self.url.removeprefix("file://").removeprefix("local://"))

    def names(self) -> list[str]:
        """Names of the folder's files and subfolders, in no particular order; an empty list if the folder does not exist."""
        if self.is_local:
            return [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []
        try:
            with self._remote() as (fs, root):
                return [str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in fs.ls(root, detail=False)]
        except FileNotFoundError:
            return []

    def stamps(self) -> dict[str, str]:
        """Stamps of all files at any depth, by path with forward slashes; the stamp of a file changes with its content.

        On a disk the stamp consists of size and modification time, on object storage of the metadata of the object, such as its
        ETag. No content is read. Folders that cannot be opened have a stamp too; empty objects that represent folders have none.

        Raises:
            FileNotFoundError: the folder does not exist.
            FolderError: the object storage cannot be reached, or does not permit listing.
        """
        if self.is_local:
            return dict(_stamps(self.path))
        with self._remote() as (fs, root):
            found = {str(path).removeprefix(root)[1:]: entry for path, entry in fs.find(root, detail=True).items()}
        if not found:
            raise FileNotFoundError(f"{self.url}: no such folder, or the folder is empty.")
        folders = {str(parent) for path in found for parent in PurePosixPath(path).parents}
        files = {path: entry for path, entry in found.items() if path[-1:] not in ("", "/") and path not in folders}
        return {path: str(tokenize(entry)) for path, entry in files.items()}

    def fetch(self, names: Iterable[str], target: Path) -> dict[str, str]:
        """Copy files from object storage into a local folder, under the same names.

        Returns:
            Reasons by name of files that were not copied: the file no longer exists, reading is not permitted, or its name is
            invalid on this machine.

        Raises:
            FolderError: the object storage cannot be reached, or fails.
            DiskError: the disk is full, or may not be written to.
        """
        names = list(names)
        with self._remote() as (fs, root), ThreadPoolExecutor(_FETCHED_AT_ONCE) as threads:
            reasons = list(threads.map(lambda name: _copy(fs, root, name, target), names))
            if _REFUSED in reasons:
                fs.ls(root, detail=False)  # also raises an error if the keys are no longer valid
        return {name: reason for name, reason in zip(names, reasons, strict=True) if reason is not None}

    def exists(self, name: str) -> bool:
        """Whether a file exists."""
        if self.is_local:
            return (self.path / name).exists()
        with self._remote() as (fs, root):
            return bool(fs.exists(f"{root}/{name}"))

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            FileNotFoundError: the file does not exist.
        """
        if self.is_local:
            return (self.path / name).open("rb")
        with self._remote() as (fs, root):
            return cast("IO[bytes]", fs.open(f"{root}/{name}", "rb"))

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: the file does not exist.
        """
        if self.is_local:
            return (self.path / name).read_bytes()
        with self._remote() as (fs, root):
            return bytes(fs.cat_file(f"{root}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Write a file; missing folders are created."""
        if self.is_local:
            write_atomically(self.path / name, content)
        else:
            with self._remote() as (fs, root):
                fs.pipe_file(f"{root}/{name}", content)

    def upload(self, file: Path) -> None:
        """Copy a local file into a folder on object storage, under the same name."""
        with self._remote() as (fs, root):
            fs.put_file(str(file), f"{root}/{file.name}")

    def remove(self, names: Iterable[str]) -> None:
        """Delete files."""
        if self.is_local:
            for name in names:
                (self.path / name).unlink(missing_ok=True)
        elif paths := list(names):
            with self._remote() as (fs, root):
                fs.rm([f"{root}/{name}" for name in paths])

    def check_writable(self) -> None:
        """Check, before work begins, that files can be written.

        Raises:
            DiskError: the disk is full, or may not be written to.
            FolderError: files cannot be written for another reason.
        """
        probe = f".probe.{secrets.token_hex(4)}"
        try:
            self.write(probe, b"")
            self.remove([probe])
        except DiskError:
            raise
        except OSError as error:
            raise FolderError(
                f"{self.url} cannot be written to: {error}. Set data_root in globals.yml to a folder where you may write, or "
                "change its permissions."
            ) from error

    def check_space(self, needed_bytes: float) -> None:
        """Check that a disk has enough free space; object storage is not checked.

        Raises:
            DiskError: the free space is too small.
        """
        if not self.is_local:
            return
        free = free_bytes(self.path)
        if free < needed_bytes:
            raise DiskError(
                f"{self.url}: about {readable_size(needed_bytes)} are needed, but {readable_size(free)} are free. Free some "
                "space, or set data_root in globals.yml to another disk."
            )

    @contextmanager
    def _remote(self) -> Iterator[tuple[fsspec.AbstractFileSystem, str]]:
        """The file system and the root path. Listings are not cached, so that new files of other processes are visible.

        Raises:
            FolderError: no server responds, or access is denied.
        """
        try:
            fs, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False, **self.options)
            yield fs, str(root)
        except PermissionError as error:
            raise FolderError(
                f"{self.url}: access is denied ({error}). Check the keys that the client of the object storage uses "
                "(AWS_ACCESS_KEY_ID, …)."
            ) from error
        except OSError:  # errors of the file system: no such file, no such bucket, no permission
            raise
        except Exception as error:  # errors of the client library have other types
            raise FolderError(
                f"{self.url} cannot be reached: {error}. Check data_root in globals.yml, or inference_folder, the network, and "
                "the endpoint and keys that the client of the object storage uses (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …)."
            ) from error


def _copy(fs: fsspec.AbstractFileSystem, root: str, name: str, target: Path) -> str | None:
    """Copy one object; return the reason if the object cannot be copied although the server responds."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return "its name refers to a path outside the folder"
    try:
        content = fs.cat_file(f"{root}/{name}")
    except (FileNotFoundError, IsADirectoryError):
        return "deleted after the folder was listed"
    except PermissionError:
        return _REFUSED
    except OSError as error:
        raise FolderError(f"{root}/{name} cannot be read: {error}. Run again; complete results are kept.") from error
    try:
        write_atomically(target / name, bytes(content))
    except DiskError:
        raise
    except OSError as error:
        return f"cannot be copied: {error.strerror}"
    return None


def _stamps(folder: Path) -> Iterator[tuple[str, str]]:
    """Paths and stamps of the files on a disk, and of folders that cannot be opened. Links to folders are not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from ((f"{entry.name}/{name}", stamp) for name, stamp in _stamps(Path(entry)))
                else:
                    known = entry.stat()
                    yield entry.name, f"{known.st_size}-{known.st_mtime_ns}"
            except OSError:  # a folder without permission, a broken link, a deleted file
                yield entry.name, "unreadable"

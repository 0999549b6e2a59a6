"""What the catalog's single files have in common: a place on disk or on object storage, written whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset

from ceph_pipeline.artifacts import Folder, atomic_path

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class FileDataset(AbstractDataset[Saved, Loaded]):
    """A file that is either whole or absent.

    Args:
        filepath: A path, or any fsspec URL.
        credentials: Options for the file system, by the catalog's `credentials:`.
        metadata: For kedro-viz.
    """

    def __init__(
        self, *, filepath: str, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        folder, slash, name = str(filepath).replace("\\", "/").rpartition("/")
        self._folder = Folder(folder or slash or ".", credentials or {})
        self._name = name
        self._scratch = None if self._folder.is_local else tempfile.TemporaryDirectory()  # goes with the dataset
        self.metadata = metadata

    @property
    def _filepath(self) -> Path:
        """The file on this machine, where kedro-mlflow looks for it; of object storage a copy of what was saved last."""
        return (self._folder.path if self._scratch is None else Path(self._scratch.name)) / self._name

    @contextmanager
    def _target(self) -> Iterator[Path]:
        """A path to write to; the file appears when the block ends without an error."""
        with atomic_path(self._filepath) as temporary:
            yield temporary
        if not self._folder.is_local:
            self._folder.upload(self._filepath)

    @property
    def _url(self) -> str:
        return f"{self._folder.url}/{self._name}"

    def _exists(self) -> bool:
        return self._folder.exists(self._name)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._url}

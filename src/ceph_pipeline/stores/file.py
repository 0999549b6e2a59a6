"""Base class of catalog entries for single files, on a disk or on object storage, written atomically."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts import DiskError, Folder, FolderError, atomic_path

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")

_CREDENTIALS = "Keys for a single catalog entry belong in conf/local/credentials.yml, under the name in its `credentials:`."
_KEYS = f"Check the permissions of the keys (AWS_ACCESS_KEY_ID, …), and data_root in globals.yml. {_CREDENTIALS}"
_PERMISSIONS = "Set data_root in globals.yml to a folder where you may read and write, or change its permissions."


class FileDataset(AbstractDataset[Saved, Loaded]):
    """A file that is written atomically: it is either complete or absent.

    Args:
        filepath: A path, or any fsspec URL.
        credentials: Options for the file system, from the catalog's `credentials:`.
        metadata: For kedro-viz.
    """

    def __init__(
        self, *, filepath: str, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        folder, slash, name = str(filepath).replace("\\", "/").rpartition("/")
        self._folder = Folder(folder or slash or ".", credentials or {})
        self._name = name
        self._scratch = None if self._folder.is_local else tempfile.TemporaryDirectory()  # deleted with the dataset
        self.metadata = metadata

    @property
    def _filepath(self) -> Path:
        """The file that kedro-mlflow logs."""
        return self._written

    @property
    def _written(self) -> Path:
        """The file on this machine; for object storage, a copy of the file that was saved last."""
        return (self._folder.path if self._scratch is None else Path(self._scratch.name)) / self._name

    @contextmanager
    def _target(self) -> Iterator[Path]:
        """A temporary path to write to; the file is published when the block ends without an error.

        Raises:
            DatasetError: the file cannot be written.
        """
        try:
            with atomic_path(self._written) as temporary:
                yield temporary
            if not self._folder.is_local:
                self._folder.upload(self._written)
        except DiskError as error:
            raise DatasetError(str(error)) from error
        except OSError as error:
            raise DatasetError(f"{self._url} cannot be written ({error}). {self._way_out(error)}") from error

    @contextmanager
    def _source(self) -> Iterator[IO[bytes]]:
        """The opened file; errors while the block reads are turned into messages for the user.

        Raises:
            DatasetError: the file is missing or damaged, or reading is not permitted.
        """
        try:
            with self._folder.open(self._name) as stream:
                yield stream
        except FileNotFoundError:
            raise DatasetError(f"{self._url} does not exist: first run the pipeline that creates it.") from None
        except OSError as error:
            raise DatasetError(f"{self._url} cannot be read ({error}). {self._way_out(error)}") from error
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{self._url}: damaged ({error}). Delete the file, and run the pipeline that creates it again."
            ) from error

    def _way_out(self, error: OSError) -> str:
        if self._folder.is_local:
            return _PERMISSIONS
        return _CREDENTIALS if isinstance(error, FolderError) else _KEYS  # the message of a FolderError names the keys

    @property
    def _url(self) -> str:
        return f"{self._folder.url}/{self._name}"

    def _exists(self) -> bool:
        return self._folder.exists(self._name)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._url}

"""What the catalog's single files have in common: a place on disk or on object storage, written whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts import DiskError, Folder, FolderError, atomic_path

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")

_CREDENTIALS = "Keys for one entry of the catalog go by its `credentials:` into conf/local/credentials.yml."
_KEYS = f"Check that the keys (AWS_ACCESS_KEY_ID, …) may do that, and data_root in globals.yml. {_CREDENTIALS}"
_PERMISSIONS = "Set data_root in globals.yml to a place where you may read and write, or change its permissions."


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
        """The file that kedro-mlflow logs."""
        return self._written

    @property
    def _written(self) -> Path:
        """The file on this machine; of object storage a copy of what was saved last."""
        return (self._folder.path if self._scratch is None else Path(self._scratch.name)) / self._name

    @contextmanager
    def _target(self) -> Iterator[Path]:
        """A path to write to; the file appears when the block ends without an error.

        Raises:
            DatasetError: it cannot be written.
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
        """The file, opened; what is wrong with it while the block reads becomes one message with the way out.

        Raises:
            DatasetError: the file is missing, damaged, or not ours to read.
        """
        try:
            with self._folder.open(self._name) as stream:
                yield stream
        except FileNotFoundError:
            raise DatasetError(f"{self._url} does not exist: run the pipeline that makes it first.") from None
        except OSError as error:
            raise DatasetError(f"{self._url} cannot be read ({error}). {self._way_out(error)}") from error
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{self._url}: damaged ({error}). Delete the file, and run the pipeline again that makes it."
            ) from error

    def _way_out(self, error: OSError) -> str:
        if self._folder.is_local:
            return _PERMISSIONS
        return _CREDENTIALS if isinstance(error, FolderError) else _KEYS  # the former names its client's keys itself

    @property
    def _url(self) -> str:
        return f"{self._folder.url}/{self._name}"

    def _exists(self) -> bool:
        return self._folder.exists(self._name)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._url}

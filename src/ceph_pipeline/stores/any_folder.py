"""The catalog's entry for a folder on a disk or on object storage."""

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts import Folder
from ceph_pipeline.artifacts.user_path import user_path


class AnyFolderDataset(AbstractDataset[NoReturn, Folder]):
    """Gives nodes the handle of a folder, at any fsspec URL, whose files the nodes read or write themselves.

    archive_source:
      type: ceph_pipeline.stores.AnyFolderDataset
      filepath: s3://hospital/films
      credentials: s3    # of conf/local/credentials.yml
    """

    def __init__(
        self, *, filepath: str, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        url = str(filepath) if "://" in str(filepath) else str(user_path(filepath))
        self._folder = Folder(url, credentials or {})
        self.metadata = metadata

    def load(self) -> Folder:
        """The handle; the folder need not exist yet."""
        return self._folder

    def save(self, data: NoReturn) -> NoReturn:
        """Always raises an error, because nodes write through the handle and return a table."""
        del data
        raise DatasetError(f"{self._folder.url} is written through its handle; return a table instead.")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._folder.url}

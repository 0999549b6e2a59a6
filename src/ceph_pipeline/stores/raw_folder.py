"""The catalog's entry for a raw data set."""

from typing import Any

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.images import RawFolder
from ceph_pipeline.stores.local_path import local_path


class RawFolderDataset(AbstractDataset[RawFolder, RawFolder]):
    """A raw data set: loading gives its handle, saving checks that the handle is the folder that the catalog names.

    raw_cephalograms:
      type: ceph_pipeline.stores.RawFolderDataset
      filepath: ${globals:data_root}/01_raw/aariz
      format: aariz
    """

    def __init__(self, *, filepath: str, format: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = RawFolder(local_path(filepath), format)
        self.metadata = metadata

    def load(self) -> RawFolder:
        """The handle; the reader of the format says what is wrong with the content."""
        return self._folder

    def save(self, data: RawFolder) -> None:
        """Accept the folder that a node has filled.

        Raises:
            DatasetError: the node filled another folder, or left none.
        """
        if data != self._folder or not self._folder.root.is_dir():
            raise DatasetError(f"the node wrote {data}, but the catalog expects {self._folder}.")

    def _exists(self) -> bool:
        return self._folder.root.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._folder.root), "format": self._folder.format}

"""The catalog's entry for a raw data set."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.images import RawFolder
from ceph_pipeline.stores.local import local_path


class RawFolderDataset(AbstractDataset[RawFolder, RawFolder]):
    """A raw data set: loading returns its handle, saving checks that the node has written to the folder in the catalog.

    raw_cephalograms:
      type: ceph_pipeline.stores.RawFolderDataset
      filepath: ${globals:data_root}/01_raw/aariz
      format: aariz
      images: {path: null}    # folder of the images, if they are in another folder
    """

    def __init__(
        self,
        *,
        filepath: str,
        format: str,
        images: dict[str, str | None] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._filepath, self._format, self._images = filepath, format, (images or {}).get("path")
        self.metadata = metadata

    def load(self) -> RawFolder:
        """The handle; the parser of the format checks the content.

        Raises:
            DatasetError: the folder is on object storage.
        """
        return RawFolder(local_path(self._filepath), self._format, None if self._images is None else local_path(self._images))

    def save(self, data: RawFolder) -> None:
        """Check the folder that a node has written.

        Raises:
            DatasetError: the node has written another folder, or none.
        """
        expected = self.load()
        if data != expected or not expected.root.is_dir():
            raise DatasetError(f"the node wrote {data}, but the catalog expects {expected}.")

    def _exists(self) -> bool:
        return Path(str(self._filepath)).expanduser().exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "format": self._format, "images": self._images}

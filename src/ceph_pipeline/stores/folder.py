"""The catalog's entry for a working folder."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.stores.local_path import local_path


class FolderDataset(AbstractDataset[NoReturn, Path]):
    """Gives nodes a folder for what they write themselves: training state, manifests, resumable work.

    stage1_folder:
      type: ceph_pipeline.stores.FolderDataset
      filepath: ${globals:data_root}/06_models/stage1
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Path:
        """The folder's path; it need not exist yet.

        Raises:
            DatasetError: it is on object storage.
        """
        return local_path(self._filepath)

    def save(self, data: NoReturn) -> NoReturn:
        """Always an error: a folder is where a node works, not what it returns."""
        del data
        raise DatasetError(f"{self._filepath} is a working folder; return a table or a checkpoint instead.")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}

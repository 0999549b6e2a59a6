"""The catalog's entry for a trained network's checkpoint."""

import logging
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.stores.local_path import local_path

logger = logging.getLogger(__name__)


class CheckpointDataset(AbstractDataset[Path, Path]):
    """A checkpoint file that the training layer writes itself; nodes pass its path.

    stage1_checkpoint:
      type: ceph_pipeline.stores.CheckpointDataset
      filepath: ${globals:data_root}/06_models/stage1/best.ckpt
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Path:
        """The file's path.

        Raises:
            DatasetError: the network has not been trained yet, or the file is on object storage.
        """
        path = local_path(self._filepath)
        if not path.is_file():
            raise DatasetError(f"{path} does not exist: train the network first.")
        if Ledger(path.parent).read().get("complete") is False:
            logger.warning("%s is of an earlier training: a later one in its folder is unfinished", path)
        return path

    def save(self, data: Path) -> None:
        """Accept the checkpoint that a node has written.

        Raises:
            DatasetError: it lies elsewhere or does not exist.
        """
        path = local_path(self._filepath)
        if Path(data) != path or not path.is_file():
            raise DatasetError(f"the node wrote {data}, but the catalog expects {path}.")

    def _exists(self) -> bool:
        return Path(self._filepath).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}

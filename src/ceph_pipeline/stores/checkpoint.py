"""The catalog's entry for a trained network's checkpoint."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.stores.local_path import local_path


class CheckpointDataset(AbstractDataset[Path, Path]):
    """A checkpoint file that the training layer writes itself; nodes pass its path.

    stage1_checkpoint:
      type: ceph_pipeline.stores.CheckpointDataset
      filepath: ${globals:data_root}/06_models/stage1/best.ckpt
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = local_path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The file's path.

        Raises:
            DatasetError: the network has not been trained yet.
        """
        if not self._path.is_file():
            raise DatasetError(f"{self._path} does not exist: train the network first.")
        return self._path

    def save(self, data: Path) -> None:
        """Accept the checkpoint that a node has written.

        Raises:
            DatasetError: it lies elsewhere or does not exist.
        """
        if Path(data) != self._path or not self._path.is_file():
            raise DatasetError(f"the node wrote {data}, but the catalog expects {self._path}.")

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}

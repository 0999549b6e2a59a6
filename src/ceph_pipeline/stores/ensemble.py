"""The catalog's entry for detectors that answer together."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.detector.files import numbered_detectors
from ceph_pipeline.stores.local_path import local_path


class EnsembleDataset(AbstractDataset[Path, Path]):
    """The folder of an ensemble's detectors, which the training layer fills itself; nodes pass its path.

    ensemble:
      type: ceph_pipeline.stores.EnsembleDataset
      filepath: ${globals:data_root}/06_models/ensemble
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Path:
        """The folder's path.

        Raises:
            DatasetError: it holds no detector yet, or is on object storage.
        """
        path = local_path(self._filepath)
        if not numbered_detectors(path):
            raise DatasetError(f"{path} holds no detectors: train them first (kedro run --pipelines ensemble).")
        return path

    def save(self, data: Path) -> None:
        """Accept the folder that a node has filled.

        Raises:
            DatasetError: it is another one.
        """
        path = local_path(self._filepath)
        if Path(data) != path:
            raise DatasetError(f"the node wrote {data}, but the catalog expects {path}.")

    def _exists(self) -> bool:
        return bool(numbered_detectors(Path(self._filepath)))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}

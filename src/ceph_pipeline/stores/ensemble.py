"""The catalog's entry for detectors that answer together."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.detector.files import ENSEMBLE_FILE
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
            DatasetError: its detectors are not all trained yet, or it is on object storage.
        """
        path = local_path(self._filepath)
        if not (path / ENSEMBLE_FILE).is_file():
            raise DatasetError(f"{path} holds no complete ensemble: train its detectors first (kedro run --pipelines ensemble).")
        return path

    def save(self, data: Path) -> None:
        """Accept the folder that a node has filled.

        Raises:
            DatasetError: it is another one, or lists no detectors.
        """
        path = local_path(self._filepath)
        if Path(data) != path or not self._exists():
            raise DatasetError(f"the node wrote {data}, but the catalog expects {path}.")

    def _exists(self) -> bool:
        return (Path(self._filepath) / ENSEMBLE_FILE).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}

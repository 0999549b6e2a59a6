"""Catalog entries for the results of training: the checkpoint of a network, and ensembles of detectors."""

import logging
from abc import abstractmethod
from pathlib import Path

from kedro.io import DatasetError

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.detector.files import ENSEMBLE_FILE
from ceph_pipeline.stores.local import LocalDataset, local_path

logger = logging.getLogger(__name__)


class TrainedDataset(LocalDataset[Path]):
    """A file or folder that training writes itself; nodes return its path."""

    def save(self, data: Path) -> None:
        """Check the path that a node has written.

        Raises:
            DatasetError: the path differs from the catalog, or its content is incomplete.
        """
        path = local_path(self._filepath)
        if Path(data) != path or not self._is_whole(path):
            raise DatasetError(f"the node wrote {data}, but the catalog expects {path}.")

    @abstractmethod
    def _is_whole(self, path: Path) -> bool:
        """Whether training has finished."""

    def _exists(self) -> bool:
        return self._is_whole(Path(self._filepath))


class CheckpointDataset(TrainedDataset):
    """A network's checkpoint file.

    stage1_checkpoint:
      type: ceph_pipeline.stores.CheckpointDataset
      filepath: ${globals:data_root}/06_models/stage1/best.ckpt
    """

    def load(self) -> Path:
        """The file's path.

        Raises:
            DatasetError: the network has not been trained yet, or the file is on object storage.
        """
        path = local_path(self._filepath)
        if not self._is_whole(path):
            raise DatasetError(f"{path} does not exist: first train the network.")
        if Ledger(path.parent).read().get("complete") is False:
            logger.warning("using %s from an earlier training; the newer training in this folder has not finished", path)
        return path

    def _is_whole(self, path: Path) -> bool:
        return path.is_file()


class EnsembleDataset(TrainedDataset):
    """The folder of an ensemble's detectors.

    ensemble:
      type: ceph_pipeline.stores.EnsembleDataset
      filepath: ${globals:data_root}/06_models/ensemble
    """

    def load(self) -> Path:
        """The folder's path.

        Raises:
            DatasetError: some detectors have not been trained yet, or the folder is on object storage.
        """
        path = local_path(self._filepath)
        if not self._is_whole(path):
            raise DatasetError(
                f"{path} contains no complete ensemble: first train its detectors (kedro run --pipelines ensemble)."
            )
        return path

    def _is_whole(self, path: Path) -> bool:
        return (path / ENSEMBLE_FILE).is_file()

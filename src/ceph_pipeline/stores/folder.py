"""The catalog's entry for a working folder."""

from typing import NoReturn

from kedro.io import DatasetError

from ceph_pipeline.stores.local import LocalDataset


class FolderDataset(LocalDataset[NoReturn]):
    """Gives nodes a folder for files that they write themselves: training state, manifests, resumable work.

    stage1_folder:
      type: ceph_pipeline.stores.FolderDataset
      filepath: ${globals:data_root}/06_models/stage1
    """

    def save(self, data: NoReturn) -> NoReturn:
        """Always raises an error, because nodes work in the folder and do not return it."""
        del data
        raise DatasetError(f"{self._filepath} is a working folder; return a table or a checkpoint instead.")

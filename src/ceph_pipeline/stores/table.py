"""Tables in Parquet, written atomically, with a preview for kedro-viz."""

import pandas as pd
from kedro.io import DatasetError
from kedro_datasets._typing import TablePreview

from ceph_pipeline.stores.file import FileDataset


class TableDataset(FileDataset[pd.DataFrame, pd.DataFrame]):
    """A Parquet table.

    landmarks:
      type: ceph_pipeline.stores.TableDataset
      filepath: ${globals:data_root}/03_primary/landmarks.parquet
      validator: ceph_pipeline.landmarks.tables.LandmarkTable
    """

    def load(self) -> pd.DataFrame:
        """Read the table.

        Raises:
            DatasetError: it has not been made yet.
        """
        try:
            with self._folder.open(self._name) as stream:
                return pd.read_parquet(stream)
        except FileNotFoundError:
            raise DatasetError(f"{self._url} does not exist: run the pipeline that makes it first.") from None

    def save(self, data: pd.DataFrame) -> None:
        """Write the table whole."""
        with self._target() as path:
            data.to_parquet(path, index=False)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first rows, for kedro-viz."""
        return TablePreview(self.load().head(nrows).astype(object).to_dict(orient="split"))

"""Tables in Parquet, written atomically, with a preview for kedro-viz."""

import pandas as pd
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
            DatasetError: it has not been made yet, is damaged, or not ours to read.
        """
        with self._source() as stream:
            return pd.read_parquet(stream)

    def save(self, data: pd.DataFrame) -> None:
        """Write the table whole."""
        with self._target() as path:
            data.to_parquet(path, index=False)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first rows, for kedro-viz."""
        return TablePreview(self.load().head(nrows).astype(object).to_dict(orient="split"))

"""Tables in Parquet, written atomically, with a preview for kedro-viz."""

from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview

from ceph_pipeline.artifacts import atomic_path


class TableDataset(AbstractDataset[pd.DataFrame, pd.DataFrame]):
    """A Parquet table that is either whole or absent.

    landmarks:
      type: ceph_pipeline.stores.TableDataset
      filepath: ${globals:data_root}/03_primary/landmarks.parquet
      validator: ceph_pipeline.landmarks.tables.LandmarkTable
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the table.

        Raises:
            DatasetError: it has not been made yet.
        """
        if not self._path.exists():
            raise DatasetError(f"{self._path} does not exist: run the pipeline that makes it first.")
        return pd.read_parquet(self._path)

    def save(self, data: pd.DataFrame) -> None:
        """Write the table under a temporary name, then rename."""
        with atomic_path(self._path) as temporary:
            data.to_parquet(temporary, index=False)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first rows, for kedro-viz."""
        return TablePreview(self.load().head(nrows).astype(object).to_dict(orient="split"))

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}

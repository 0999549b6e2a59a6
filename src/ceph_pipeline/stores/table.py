"""Tables in Parquet or CSV, written atomically, with a preview for kedro-viz."""

from collections.abc import Callable
from typing import Any, NoReturn

import pandas as pd
from kedro.io import DatasetError
from kedro.utils import load_obj
from kedro_datasets._typing import TablePreview

from ceph_pipeline.landmarks.tables import checked
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
            DatasetError: the file does not exist or is damaged, or reading is not permitted.
        """
        with self._source() as stream:
            return pd.read_parquet(stream)

    def save(self, data: pd.DataFrame) -> None:
        """Write the table atomically."""
        with self._target() as path:
            data.to_parquet(path, index=False)

    def preview(self, nrows: int = 20) -> TablePreview:
        """The first rows, for kedro-viz."""
        return TablePreview(self.load().head(nrows).astype(object).to_dict(orient="split"))


class CSVDataset(TableDataset):
    """A table as CSV, without the index.

    benchmark_networks:
      type: ceph_pipeline.stores.CSVDataset
      filepath: ${globals:data_root}/08_reporting/benchmark/networks.csv
    """

    def load(self) -> pd.DataFrame:
        """Read the table.

        Raises:
            DatasetError: the file does not exist or is damaged, or reading is not permitted.
        """
        with self._source() as stream:
            return pd.read_csv(stream)

    def save(self, data: pd.DataFrame) -> None:
        """Write the table atomically."""
        with self._target() as path:
            data.to_csv(path, index=False)


class SpreadsheetTableDataset(TableDataset):
    """A Parquet table with a copy of the same name as CSV, for spreadsheet programs; only the Parquet file is read.

    inference_measurements:
      type: ceph_pipeline.stores.SpreadsheetTableDataset
      filepath: ${globals:data_root}/07_model_output/inference/measurements.parquet
    """

    def __init__(
        self, *, filepath: str, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=filepath, credentials=credentials, metadata=metadata)
        self._spreadsheet = _SpreadsheetDataset(filepath=f"{str(filepath).removesuffix('.parquet')}.csv", credentials=credentials)

    def save(self, data: pd.DataFrame) -> None:
        """Write both files, each atomically."""
        super().save(data)
        self._spreadsheet.save(data)


class _SpreadsheetDataset(CSVDataset):
    """CSV with six digits and a byte order mark, without which Excel garbles letters beyond ASCII."""

    def save(self, data: pd.DataFrame) -> None:
        with self._target() as path:
            data.to_csv(path, index=False, encoding="utf-8-sig", float_format="%.6g")


class TableOnDemandDataset(FileDataset[NoReturn, Callable[[], pd.DataFrame]]):
    """The table of another entry, loaded on demand, for nodes that need only one of several tables.

    predictions_on_demand:
      type: ceph_pipeline.stores.TableOnDemandDataset
      filepath: ${globals:data_root}/07_model_output/predictions.parquet
      schema: ceph_pipeline.landmarks.tables.PredictionTable
    """

    def __init__(
        self,
        *,
        filepath: str,
        schema: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, credentials=credentials, metadata=metadata)
        self._schema = schema

    def load(self) -> Callable[[], pd.DataFrame]:
        """A function that reads the table; it raises a DatasetError if the file is missing or does not match the schema."""
        return self._read_checked

    def _read_checked(self) -> pd.DataFrame:
        with self._source() as stream:
            return checked(pd.read_parquet(stream), load_obj(self._schema))

    def save(self, data: NoReturn) -> NoReturn:
        """Always raises an error, because another entry writes the table."""
        del data
        raise DatasetError(f"{self._url} is the table of another entry; return the table to that entry.")

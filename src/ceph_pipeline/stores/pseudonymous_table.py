"""Tables with film names, logged with pseudonyms as artefacts of an MLflow run."""

import tempfile
from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts.pseudonyms import pseudonymised
from ceph_pipeline.stores.table import TableDataset


class PseudonymousTableDataset(TableDataset):
    """A Parquet table; kedro-mlflow logs a copy in which pseudonyms replace the film names.

    errors:
      type: kedro_mlflow.io.artifacts.MlflowArtifactDataset
      dataset:
        type: ceph_pipeline.stores.PseudonymousTableDataset
        filepath: ${globals:data_root}/08_reporting/evaluation/errors.parquet
    """

    @property
    def _filepath(self) -> Path:
        """The copy: kedro-mlflow logs the file of this attribute."""
        if not hasattr(self, "_copies"):
            self._copies = tempfile.TemporaryDirectory()  # deleted with the dataset
        return Path(self._copies.name) / self._name

    def save(self, data: pd.DataFrame) -> None:
        """Write the table atomically, and its copy."""
        super().save(data)
        pseudonymised(data).to_parquet(self._filepath, index=False)

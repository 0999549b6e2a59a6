"""Reports in JSON, written atomically, with a preview for kedro-viz."""

import json
import math
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import JSONPreview

from ceph_pipeline.artifacts import write_atomically


class JSONReportDataset(AbstractDataset[dict[str, Any], dict[str, Any]]):
    """A nested report; NaN becomes null, since JSON has no NaN.

    metrics:
      type: ceph_pipeline.stores.JSONReportDataset
      filepath: ${globals:data_root}/08_reporting/evaluation/metrics.json
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self._filepath = self._path  # where kedro-mlflow looks for the file to log
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """Read the report."""
        content = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"{self._path}: expected a JSON object, found {type(content).__name__}.")
        return content

    def save(self, data: dict[str, Any]) -> None:
        """Write the report whole."""
        write_atomically(self._path, json.dumps(_without_nan(data), indent=2, ensure_ascii=False, allow_nan=False))

    def preview(self) -> JSONPreview:
        """The whole report, for kedro-viz."""
        return JSONPreview(json.dumps(self.load()))

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float):  # numpy's float64 included
        return float(value) if math.isfinite(value) else None
    return value

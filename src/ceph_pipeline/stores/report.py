"""Reports in JSON, written atomically, with a preview for kedro-viz."""

import json
import math
from typing import Any

from kedro_datasets._typing import JSONPreview

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.stores.file import FileDataset


class JSONReportDataset(FileDataset[dict[str, Any], dict[str, Any]]):
    """A nested report; NaN becomes null, since JSON has no NaN.

    metrics:
      type: ceph_pipeline.stores.JSONReportDataset
      filepath: ${globals:data_root}/08_reporting/evaluation/metrics.json
    """

    def load(self) -> dict[str, Any]:
        """Read the report.

        Raises:
            DatasetError: the file does not exist or is damaged, or reading is not permitted.
        """
        with self._source() as stream:
            content = json.load(stream)
            if not isinstance(content, dict):
                raise InvalidValueError(f"expected a JSON object, found {type(content).__name__}")
        return content

    def save(self, data: dict[str, Any]) -> None:
        """Write the report atomically."""
        with self._target() as path:
            path.write_text(json.dumps(_without_nan(data), indent=2, ensure_ascii=False, allow_nan=False), encoding="utf-8")

    def preview(self) -> JSONPreview:
        """The whole report, for kedro-viz."""
        return JSONPreview(json.dumps(self.load()))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float):  # numpy's float64 included
        return float(value) if math.isfinite(value) else None
    return value

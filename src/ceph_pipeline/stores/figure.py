"""Matplotlib figures as PNG, with a preview for kedro-viz."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import ImagePreview

from ceph_pipeline.artifacts import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureDataset(AbstractDataset["Figure", NoReturn]):
    """A figure, saved as PNG.

    sdr_curve:
      type: ceph_pipeline.stores.FigureDataset
      filepath: ${globals:data_root}/08_reporting/evaluation/sdr_curve.png
    """

    def __init__(self, *, filepath: str, dpi: int = 130, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self._filepath = self._path  # where kedro-mlflow looks for the file to log
        self._dpi = dpi
        self.metadata = metadata

    def load(self) -> NoReturn:
        """Always an error: a PNG does not become a figure again."""
        raise DatasetError(f"{self._path} is a picture: open the file.")

    def save(self, data: "Figure") -> None:
        """Render the figure and write it whole."""
        with atomic_path(self._path) as temporary:
            data.savefig(temporary, dpi=self._dpi, bbox_inches="tight", facecolor="white")

    def preview(self) -> ImagePreview:
        """The picture as base64, for kedro-viz. Do not enable it for figures that show patients."""
        return ImagePreview(base64.b64encode(self._path.read_bytes()).decode())

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}

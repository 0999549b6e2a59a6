"""Matplotlib figures as PNG, with a preview for kedro-viz."""

import base64
from typing import TYPE_CHECKING, Any, NoReturn

from kedro.io import DatasetError
from kedro_datasets._typing import ImagePreview

from ceph_pipeline.artifacts import save_figure
from ceph_pipeline.stores.file import FileDataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureDataset(FileDataset["Figure", NoReturn]):
    """A figure, saved as PNG.

    sdr_curve:
      type: ceph_pipeline.stores.FigureDataset
      filepath: ${globals:data_root}/08_reporting/evaluation/sdr_curve.png
    """

    def __init__(
        self,
        *,
        filepath: str,
        dpi: int = 130,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, credentials=credentials, metadata=metadata)
        self._dpi = dpi

    def load(self) -> NoReturn:
        """Always raises an error, because a figure cannot be loaded from a PNG file."""
        raise DatasetError(f"{self._url} is a picture and cannot be loaded as a figure: open the file.")

    def save(self, data: "Figure") -> None:
        """Render the figure and write it atomically."""
        with self._target() as path:
            save_figure(data, path, dpi=self._dpi, bbox_inches="tight", facecolor="white")

    def preview(self) -> ImagePreview:
        """The picture as base64, for kedro-viz. Do not enable it for figures that show patients."""
        return ImagePreview(base64.b64encode(self._folder.read(self._name)).decode())

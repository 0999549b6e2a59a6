"""Read the file that a person has chosen, and locate its landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ceph_pipeline.errors import printable
from ceph_pipeline.images import decode_image
from ceph_pipeline.images.codec import decode_header
from ceph_pipeline.images.identifiers import identifiers_of
from ceph_pipeline.inference.report import Calibration, calibrations
from ceph_pipeline.inference.uncertainty import judge_by_size

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage
    from ceph_pipeline.page.settings import PageSettings


@dataclass(frozen=True)
class OpenedFilm:
    """A film whose landmarks the detector has located.

    Attributes:
        file: The file's name without folders.
        image_id: Identifier of the film.
        pixels: `(height, width)`, upright.
        found: A `PredictionTable` of one image, optionally with the columns of `judge_points`.
        calibration: Pixel size from the file or from the ruler that the detector locates.
    """

    file: str
    image_id: str
    pixels: GreyImage
    found: pd.DataFrame
    calibration: Calibration

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.pixels.shape[1], self.pixels.shape[0]


def open_film(content: bytes, name: str, settings: PageSettings) -> OpenedFilm:
    """Read a film as inference does, and locate its landmarks.

    Args:
        content: The content of the file, in any format that inference reads.
        name: Name of the file.
        settings: The detector, and the order of the pixel-size sources.

    Raises:
        ImageReadError: the content is not an image, is damaged, too large, or has an impossible shape for a film.
    """
    file = printable(PurePath(name.replace("\\", "/")).name) or "film"
    header = decode_header(content, file)
    pixels = decode_image(content, file)
    (image_id,) = identifiers_of([file])
    found = settings.detector.predict({image_id: pixels}, pixel_size_mm=settings.pixel_size_mm)
    counts = ("dicom" if header.kind == "dicom" else "file") in settings.pixel_size_order
    says = settings.pixel_size_mm or (header.pixel_size_mm if counts else np.nan)
    sizes = settings.sizing.sizes(found, [image_id], np.array([says]), lambda detector: detector.predict({image_id: pixels}))
    found = judge_by_size(found, settings.detector.uncertainty, sizes, {image_id: (pixels.shape[1], pixels.shape[0])})
    return OpenedFilm(file, image_id, pixels, found, calibrations(sizes)[image_id])

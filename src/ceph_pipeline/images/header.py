"""Headers of film files, which are read without decoding the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ceph_pipeline.images.errors import ImageReadError
from ceph_pipeline.images.kinds import MAX_PIXELS, Kind
from ceph_pipeline.images.orientation import UPRIGHT, swaps_axes

SpacingSource = Literal[
    "dicom_pixel_spacing",
    "dicom_imager_pixel_spacing",
    "dicom_nominal_scanned_pixel_spacing",
    "metaimage_element_spacing",
    "tiff_resolution",
    "png_physical_size",
    "jpeg_density",
    "bmp_resolution",
]
"""Source of a spacing. `ImagerPixelSpacing` is measured in the detector's plane, and `NominalScannedPixelSpacing` on the scanned
film: lengths computed from them include the projection's magnification of the skull."""

SQUARE = 0.01
"""Largest relative difference between the sides of a pixel that counts as square."""
MIN_SIDE_PX, MAX_ASPECT = 16, 10
"""Least side of a film, and largest ratio of its sides; other images cannot show a skull."""
MIN_SPACING_MM, MAX_SPACING_MM = 0.02, 1.0
"""Limits of a spacing in a file's header. Beyond them the pixel size is unknown, since headers hold unchecked placeholders. A
size that a person supplies may be larger (`formats.entries.MAX_PIXEL_SIZE_MM`) and raises an error beyond that limit."""
SCREEN_DPI = (72.0, 96.0)
"""Resolutions that programs write for images of unknown resolution."""


@dataclass(frozen=True)
class ImageHeader:
    """Facts from an image file's header.

    Attributes:
        kind: Kind of file, by its first bytes.
        stored_size: (width, height) of the rows and columns as they are stored.
        orientation: 1 to 8, see `orientation.ORIENTATIONS`; 1 if the file has no tag.
        bits: Depth of one channel.
        white_is_zero: Stored 0 is white (TIFF's photometric interpretation 0, DICOM's MONOCHROME1); pixels are read inverted.
        spacing_mm: Millimetres per pixel along x and y of `stored_size`, if the file contains a plausible spacing.
        spacing_source: The field that contains the spacing.
    """

    kind: Kind
    stored_size: tuple[int, int]
    orientation: int = UPRIGHT
    bits: int = 8
    white_is_zero: bool = False
    spacing_mm: tuple[float, float] | None = None
    spacing_source: SpacingSource | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright image."""
        width, height = self.stored_size
        return (height, width) if swaps_axes(self.orientation) else (width, height)

    @property
    def pixel_size_mm(self) -> float:
        """Millimetres per pixel; NaN if the file contains none, or if the sides differ by more than `SQUARE`.

        In files other than DICOM, this is a resolution, often set by a printer or a scanner program.
        """
        if self.spacing_mm is None or not math.isclose(*self.spacing_mm, rel_tol=SQUARE):
            return math.nan
        return sum(self.spacing_mm) / 2


def require_readable_size(width: int, height: int, name: str) -> None:
    """Reject empty images and images that are too large to be decoded.

    Raises:
        ImageReadError: no pixels, or more than `MAX_PIXELS`.
    """
    if width <= 0 or height <= 0:
        raise ImageReadError(
            f"{name}: {width} × {height} pixels, which is not a valid image size. Replace the file or remove it."
        )
    if width * height > MAX_PIXELS:
        raise ImageReadError(f"{name}: {width} × {height} pixels, but the limit is {MAX_PIXELS:,}.")


def require_film_shape(width: int, height: int, name: str) -> None:
    """Reject images that cannot be films, such as single pixels or strips.

    Raises:
        ImageReadError: a side is shorter than `MIN_SIDE_PX`, or `MAX_ASPECT` times the other.
    """
    short, long = sorted((width, height))
    if short < MIN_SIDE_PX or long > MAX_ASPECT * short:
        raise ImageReadError(
            f"{name}: {width} × {height} pixels, which is no film: expected sides of at least {MIN_SIDE_PX} px, one at most "
            f"{MAX_ASPECT} times the other. Replace the file or remove it."
        )


def believable(x_mm: float, y_mm: float) -> tuple[float, float] | None:
    """The spacing if it is plausible for a radiograph (0.02 to 1 mm); otherwise None."""
    ok = all(math.isfinite(value) and MIN_SPACING_MM <= value <= MAX_SPACING_MM for value in (x_mm, y_mm))
    return (x_mm, y_mm) if ok else None


def spacing_of_dpi(x_dpi: float, y_dpi: float) -> tuple[float, float] | None:
    """Millimetres per pixel of a resolution in dots per inch; None for screen resolutions and implausible values."""
    if any(not math.isfinite(dpi) or dpi <= 0 or any(abs(dpi - screen) < 0.5 for screen in SCREEN_DPI) for dpi in (x_dpi, y_dpi)):
        return None
    return believable(25.4 / x_dpi, 25.4 / y_dpi)

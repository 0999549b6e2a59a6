"""TIFF by tifffile, whose decoders reject damaged or short strips, whereas libtiff (used by OpenCV) fills them."""

from __future__ import annotations

import math
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from ceph_pipeline.images.errors import ImageReadError
from ceph_pipeline.images.header import ImageHeader, require_readable_size, spacing_of_dpi
from ceph_pipeline.images.orientation import ORIENTATIONS, UPRIGHT

_CM_PER_INCH = 2.54
_ORIENTATION_TAG = 274
_CONVERTED = (COMPRESSION.JPEG, COMPRESSION.OJPEG, COMPRESSION.ALT_JPEG)
"""Compressions for which tifffile converts YCbCr to RGB; for others it returns the stored channels, with Y as grey level."""
_READ = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE, PHOTOMETRIC.YCBCR)


def tiff_header(stream: BinaryIO) -> ImageHeader:
    """The header of a TIFF's only image.

    Raises:
        ImageReadError: several pages, or an unsupported colour model.
        Exception: any error of tifffile for a damaged header.
    """
    with tifffile.TiffFile(stream) as file:
        return _header(_page(file))


def decode_tiff(stream: BinaryIO, name: str) -> NDArray[Any]:
    """The stored pixels `(height, width[, channels])` at their full depth, before the orientation is applied.

    Raises:
        ImageReadError: more than `MAX_PIXELS`.
        Exception: any error of tifffile and its decoders for damaged files.
    """
    with tifffile.TiffFile(stream) as file:
        page = _page(file)
        require_readable_size(page.imagewidth, page.imagelength, name)
        _require_whole_strips(page, file.filehandle.size)
        pixels = page.asarray(maxworkers=1)
        if page.axes.startswith("S"):
            pixels = np.moveaxis(pixels, 0, -1)
        if page.photometric == PHOTOMETRIC.YCBCR and page.compression not in _CONVERTED:
            pixels = pixels[..., 0]
        if page.photometric == PHOTOMETRIC.PALETTE:
            pixels = np.moveaxis(np.asarray(page.colormap), 0, -1)[pixels]
        return pixels


def _page(file: tifffile.TiffFile) -> TiffPage:
    """The first page, which must be the only page except for reduced images and masks."""
    page = file.pages.first
    others = sum(
        1 for other in list(file.pages)[1:] if isinstance(other, TiffPage) and not other.is_reduced and not other.is_mask
    )
    if others:
        raise ImageReadError(f"{others + 1} pages in one file, expected one film per file")
    if page.photometric not in _READ:
        raise ImageReadError(f"colours are {page.photometric!r}; save the film as grey")
    if page.imagedepth != 1 or page.samplesperpixel > 4:
        raise ImageReadError(f"{page.samplesperpixel} channels and {page.imagedepth} slices, expected one film per file")
    return page


def _header(page: TiffPage) -> ImageHeader:
    orientation = page.tags.valueof(_ORIENTATION_TAG, UPRIGHT)
    spacing = _spacing(page)
    return ImageHeader(
        kind="tiff",
        stored_size=(page.imagewidth, page.imagelength),
        orientation=int(orientation) if orientation in ORIENTATIONS else UPRIGHT,
        bits=int(np.max(page.bitspersample)),
        white_is_zero=page.photometric == PHOTOMETRIC.MINISWHITE,
        spacing_mm=spacing,
        spacing_source="tiff_resolution" if spacing else None,
    )


def _spacing(page: TiffPage) -> tuple[float, float] | None:
    unit = page.tags.valueof("ResolutionUnit", 2)  # default without the tag: inches
    per_inch = {2: 1.0, 3: _CM_PER_INCH}.get(int(unit), math.nan)
    x, y = (_ratio(page.tags.valueof(name, None)) * per_inch for name in ("XResolution", "YResolution"))
    return spacing_of_dpi(x, y)


def _ratio(value: Any) -> float:
    """Value of TIFF's pair of numerator and denominator."""
    try:
        return float(value[0] / value[1])
    except (TypeError, IndexError, ZeroDivisionError):
        return math.nan


def _require_whole_strips(page: TiffPage, file_bytes: int) -> None:
    """Reject strips without bytes or beyond the file's end, which tifffile silently leaves empty."""
    strips = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    expected = math.prod(page.chunked)
    if len(strips) < expected or any(count <= 0 or offset + count > file_bytes for offset, count in strips):
        raise ImageReadError("strips of pixels are missing")
    if page.compression == COMPRESSION.NONE:
        needed = math.ceil(page.imagewidth * page.imagelength * page.samplesperpixel * int(np.min(page.bitspersample)) / 8)
        if sum(count for _, count in strips) < needed:
            raise ImageReadError(f"{sum(count for _, count in strips)} bytes of pixels, expected {needed}")

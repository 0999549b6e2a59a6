"""PNG, JPEG, BMP, WebP and JPEG 2000: headers by Pillow, pixels by libjpeg-turbo (JPEG) and OpenCV (the others).

Damaged files raise errors: libjpeg's warnings are treated as errors, and PNG contains checksums. BMP, WebP and JPEG 2000 have no
checksums: only damage that the decoder detects is rejected and, for WebP and JPEG 2000, long runs of zeros.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO, Literal

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ceph_pipeline.images.errors import ImageReadError
from ceph_pipeline.images.header import ImageHeader, SpacingSource, spacing_of_dpi
from ceph_pipeline.images.kinds import MAX_PIXELS, Kind
from ceph_pipeline.images.orientation import ORIENTATIONS, UPRIGHT
from ceph_pipeline.images.shared_context import no_warnings

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # its messages on damaged films bypass logging

_FORMATS: dict[Kind, tuple[str, ...]] = {
    "png": ("PNG",),
    "jpeg": ("JPEG", "MPO"),
    "bmp": ("BMP",),
    "webp": ("WEBP",),
    "jpeg2000": ("JPEG2000",),
}
_DPI_SOURCES: dict[Kind, SpacingSource] = {"png": "png_physical_size", "jpeg": "jpeg_density", "bmp": "bmp_resolution"}
_HOLE = bytes(1024)
"""Number of successive zeros that no entropy coder writes: lossless films have 5, a black lossy WebP of 7 megapixels 730."""
_TEXT_CHUNKS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")


def raster_header(stream: BinaryIO, kind: Kind) -> ImageHeader:
    """The header of one of these kinds.

    Raises:
        ImageReadError: several images in one file, or far too many pixels.
        Exception: any error of Pillow for a damaged header.
    """
    with no_warnings:  # warnings about large images: this project has its own limit
        try:
            image = Image.open(stream, formats=_FORMATS[kind])
        except Image.DecompressionBombError:
            raise ImageReadError(f"far more pixels than the limit of {MAX_PIXELS:,}") from None
    if kind in ("png", "webp") and getattr(image, "n_frames", 1) > 1:
        raise ImageReadError("an animation of several images, expected one film per file")
    orientation = _exif(image, stream, kind).get(ExifTags.Base.Orientation, UPRIGHT)
    x_dpi, y_dpi = image.info.get("dpi", (0, 0)) if kind in _DPI_SOURCES else (0, 0)
    spacing = spacing_of_dpi(float(x_dpi), float(y_dpi))
    return ImageHeader(
        kind=kind,
        stored_size=image.size,
        orientation=orientation if orientation in ORIENTATIONS else UPRIGHT,
        bits=16 if image.mode.startswith("I") or any(";16" in str(tile[3]) for tile in image.tile) else 8,  # RGB;16B is in colour
        spacing_mm=spacing,
        spacing_source=_DPI_SOURCES[kind] if spacing else None,
    )


def decode_raster(content: bytes, kind: Kind, name: str) -> NDArray[Any]:
    """The stored pixels as grey `(height, width)`, before the orientation is applied.

    Raises:
        ImageReadError: damaged, truncated, or of an unsupported colour model.
    """
    if kind == "jpeg":
        try:
            pixels: NDArray[Any] = simplejpeg.decode_jpeg(content, "GRAY", strict=True)[..., 0]
        except ValueError as error:
            raise ImageReadError(f"{name}: damaged or truncated ({error}). Copy the file again from its source.") from None
        return pixels
    if kind in ("webp", "jpeg2000"):
        require_no_hole(content, kind, name)
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ImageReadError(f"{name}: damaged or not an image ({error.err}). Convert it to png, or remove it.") from None
    if decoded is None:
        raise ImageReadError(f"{name}: damaged or truncated ({len(content)} bytes). Copy the file again from its source.")
    return decoded


def require_no_hole(content: bytes, kind: Literal["webp", "jpeg2000"], name: str) -> None:
    """Reject compressed pixels with a long run of zeros, which interrupted copying leaves and decoders show as grey.

    Raises:
        ImageReadError: there is a long run of zeros.
    """
    if kind == "webp":  # a chunk consists of name, length and content
        start = max(content.find(b"VP8 "), content.find(b"VP8L"))
        end = start + 8 + int.from_bytes(content[start + 4 : start + 8], "little")
    else:  # from the first tile's data to the marker that ends the codestream
        start = content.find(b"\xff\x93", content.find(b"\xff\x4f\xff\x51"))
        end = content.find(b"\xff\xd9", start)
    if _HOLE in content[max(start, 0) : end if end > start else None]:
        raise ImageReadError(f"{name}: damaged, with a long run of zeros in its pixels. Copy the file again from its source.")


def _exif(image: Image.Image, stream: BinaryIO, kind: Kind) -> Image.Exif:
    """EXIF, or XMP in its place. To find EXIF after the pixels, Pillow decodes the whole PNG; this is done only if necessary."""
    if kind != "png" or _has_text_behind_pixels(stream):
        return image.getexif()
    return Image.Image.getexif(image)


def _has_text_behind_pixels(stream: BinaryIO) -> bool:
    place = stream.tell()
    stream.seek(8)
    seen_pixels = found = False
    while not found and len(head := stream.read(8)) == 8:
        length, chunk = struct.unpack(">I4s", head)
        if chunk == b"IEND":
            break
        seen_pixels |= chunk == b"IDAT"
        found = seen_pixels and chunk in _TEXT_CHUNKS
        stream.seek(length + 4, io.SEEK_CUR)
    stream.seek(place)
    return found

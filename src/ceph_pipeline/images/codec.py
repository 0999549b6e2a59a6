"""Decoding film files to pixels, with limits on size and kind, and encoding pixels to files."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.errors import InvalidValueError, printable
from ceph_pipeline.images.dicom import decode_dicom, dicom_header
from ceph_pipeline.images.errors import ImageReadError, MissingImageError
from ceph_pipeline.images.grey import GreyImage, to_grey
from ceph_pipeline.images.header import ImageHeader, require_film_shape, require_readable_size
from ceph_pipeline.images.kinds import HEAD_BYTES, IMAGE_SUFFIXES, MAX_PIXELS, kind_of
from ceph_pipeline.images.metaimage import decode_metaimage, metaimage_header
from ceph_pipeline.images.orientation import UPRIGHT, upright
from ceph_pipeline.images.raster import decode_raster, raster_header
from ceph_pipeline.images.tiff import decode_tiff, tiff_header

__all__ = [
    "MAX_PIXELS", "GreyImage", "ImageHeader", "ImageReadError", "decode_header", "decode_image", "encode_image", "file_type",
    "read_header", "read_image",
]  # fmt: skip

MAX_BYTES = 1_000_000_000
"""Larger files are rejected without being read; 100 megapixels of 16-bit colours are 600 MB."""


def read_header(path: Path) -> ImageHeader:
    """Size, orientation, depth, polarity and pixel spacing of a film, without decoding its pixels.

    Raises:
        ImageReadError: not a regular file, not an image, more than `MAX_PIXELS`, or not the shape of a film.
    """
    name = printable(str(path))
    with _opened(path, name) as stream:
        header = _header_of(stream, name)
    require_film_shape(*header.size, name)
    return header


def decode_header(content: bytes, name: str) -> ImageHeader:
    """Like `read_header`, for a file's content.

    Args:
        content: The file's bytes.
        name: Name of the file in error messages.

    Raises:
        ImageReadError: not an image, more than `MAX_PIXELS`, or not the shape of a film.
    """
    header = _header_of(io.BytesIO(content), name)
    require_film_shape(*header.size, name)
    return header


def read_image(path: Path) -> GreyImage:
    """Read a film as upright grey `(height, width)`, 8 or 16 bits, 0 black; damaged files raise an error.

    Raises:
        ImageReadError: missing, not a regular file, damaged, truncated, more than `MAX_PIXELS`, or not the shape of a film.
    """
    name = printable(str(path))
    with _opened(path, name) as stream:
        content = stream.read()
    image = decode_image(content, name)
    require_film_shape(image.shape[1], image.shape[0], name)
    return image


def decode_image(content: bytes, name: str) -> GreyImage:
    """Like `read_image`, for a file's content.

    Args:
        content: The file's bytes.
        name: Name of the file in error messages.

    Raises:
        ImageReadError: the bytes are not a complete image.
    """
    header = _header_of(io.BytesIO(content), name)
    try:
        pixels = _decoded(content, header, name)
    except ImageReadError as error:
        raise _named(error, name) from None
    except Exception as error:
        way_out = "Copy the file again from its source, or open it in another program and save it as png."
        raise ImageReadError(f"{name}: damaged or truncated ({_brief(error)}). {way_out}") from None
    if header.kind == "dicom":  # levels of DICOM are inverted after windowing
        return to_grey(pixels, name)
    grey = to_grey(pixels, name, white_is_zero=header.white_is_zero, bits=header.bits)
    return grey if header.orientation == UPRIGHT else cast("GreyImage", upright(grey, header.orientation))


def encode_image(image: GreyImage, suffix: str, quality: int = 95) -> bytes:
    """Encode to the format of `suffix` (`.png`, `.jpg`, `.bmp`).

    Args:
        image: `(height, width)`; 16 bits only as png.
        suffix: With its dot.
        quality: JPEG quality, 1–100; PNG always uses compression level 1, which is lossless and fast.

    Raises:
        ValueError: the format does not support the image.
    """
    if image.dtype == np.uint16 and suffix != ".png":
        raise InvalidValueError(f"16-bit images require png, not {suffix}: set the store's format to png.")
    options = {".png": [cv2.IMWRITE_PNG_COMPRESSION, 1], ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality]}.get(suffix, [])
    ok, encoded = cv2.imencode(suffix, image, options)
    if not ok:
        raise InvalidValueError(f"OpenCV cannot encode {image.dtype} {image.shape} as {suffix}.")
    return encoded.tobytes()


def _opened(path: Path, name: str) -> BinaryIO:
    """Open the file; pipes and devices, which may never end, are rejected without being opened.

    Raises:
        ImageReadError: missing, not a regular file, too large, or not readable.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ImageReadError(f"{name}: {file_type(status.st_mode)}, not a file. Remove it from the folder of films.")
        if status.st_size > MAX_BYTES:
            raise ImageReadError(f"{name}: {status.st_size:,} bytes, but the limit is {MAX_BYTES:,}.")
        return path.open("rb")
    except FileNotFoundError:
        raise MissingImageError(f"{name}: no such image file.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ImageReadError):
            raise
        raise ImageReadError(f"{name}: cannot be opened ({_brief(error)}).") from None


def file_type(mode: int) -> str:
    """Description of a directory entry that is not a regular file."""
    tests = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((word for is_one, word in tests.items() if is_one(mode)), "a device")


def _header_of(stream: BinaryIO, name: str) -> ImageHeader:
    kind = kind_of(stream.read(HEAD_BYTES))
    stream.seek(0)
    if kind is None:
        known = ", ".join(suffix[1:] for suffix in IMAGE_SUFFIXES)
        length = stream.seek(0, io.SEEK_END)
        raise ImageReadError(
            f"{name}: damaged or not an image ({length} bytes, none of {known}). Convert it to png, or remove it."
        )
    try:
        if kind == "tiff":
            header = tiff_header(stream)
        elif kind == "dicom":
            header = dicom_header(stream)
        elif kind == "metaimage":
            header = metaimage_header(stream)
        else:
            header = raster_header(stream, kind)
    except ImageReadError as error:
        raise _named(error, name) from None
    except Exception as error:
        raise ImageReadError(f"{name}: damaged or not an image ({_brief(error)}). Convert it to png, or remove it.") from None
    require_readable_size(*header.stored_size, name)
    return header


def _decoded(content: bytes, header: ImageHeader, name: str) -> NDArray[Any]:
    if header.kind == "tiff":
        pixels = decode_tiff(io.BytesIO(content), name)
    elif header.kind == "dicom":
        pixels = decode_dicom(io.BytesIO(content), name)
    elif header.kind == "metaimage":
        pixels = decode_metaimage(io.BytesIO(content), name)
    else:
        pixels = decode_raster(content, header.kind, name)
    if pixels.shape[1::-1] != header.stored_size:
        found, said = pixels.shape[1::-1], header.stored_size
        raise ImageReadError(f"{name}: {found[0]} × {found[1]} px, but its header contains {said[0]} × {said[1]}.")
    return pixels


def _named(error: ImageReadError, name: str) -> ImageReadError:
    text = str(error)
    return error if text.startswith(name) else ImageReadError(f"{name}: {text}.")


def _brief(error: BaseException) -> str:
    """The first line of a library's error message, shortened and printable."""
    line = (str(error).splitlines() or [""])[0].strip()[:160]
    return line if line.isprintable() and line else type(error).__name__

"""Decoding and encoding of single-channel images, with limits on what is let in."""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

GreyImage = NDArray[np.uint8] | NDArray[np.uint16]
"""`(height, width)`, 8 or 16 bits."""

MAX_PIXELS = 100_000_000
"""Images beyond this are refused before they are decoded: the largest public cephalograms have 20 megapixels."""


class ImageReadError(ValueError):
    """An image file is missing, damaged, too large or of a kind that cannot be read."""


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) from the file's header, without decoding the pixels.

    Raises:
        ImageReadError: no image, or more than `MAX_PIXELS`.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
    except FileNotFoundError:
        raise ImageReadError(f"{path}: no such image file.") from None
    except (OSError, Image.DecompressionBombError, ValueError) as error:
        raise ImageReadError(f"{path}: not a readable image ({error}). Convert it to png, jpg or bmp, or remove it.") from None
    if width * height > MAX_PIXELS:
        raise ImageReadError(f"{path}: {width} × {height} pixels; at most {MAX_PIXELS:,} are read.")
    return width, height


def decode_image(content: bytes, name: str) -> GreyImage:
    """Decode an encoded image to grey, keeping 16 bits where the file has them.

    Args:
        content: The file's bytes.
        name: What the error calls it.

    Raises:
        ImageReadError: the bytes are no complete image.
    """
    buffer = np.frombuffer(content, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH) if buffer.size else None
    if image is None:
        raise ImageReadError(f"{name}: damaged or not an image ({len(content)} bytes). Replace the file or remove it.")
    if image.dtype not in (np.uint8, np.uint16):
        raise ImageReadError(f"{name}: pixels are {image.dtype}; 8 and 16 bits without sign are read. Convert the file to png.")
    return cast("GreyImage", image)


def read_image(path: Path) -> GreyImage:
    """Read a file as grey `(height, width)`; a truncated file is an error, never grey filler.

    Raises:
        ImageReadError: missing, damaged, truncated, or more than `MAX_PIXELS`.
    """
    image_size(path)
    content = path.read_bytes()
    if is_truncated(content):
        raise ImageReadError(f"{path}: the file is cut off. Copy it again from its origin.")
    return decode_image(content, str(path))


def is_truncated(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end marker, which OpenCV would fill with grey in silence."""
    if content.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in content[-1024:]
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content[-64:]
    return False


def encode_image(image: GreyImage, suffix: str, quality: int = 95) -> bytes:
    """Encode to the format of `suffix` (`.png`, `.jpg`, `.bmp`).

    Args:
        image: `(height, width)`; 16 bits only as png.
        suffix: With its dot.
        quality: JPEG quality, 1–100; PNG always uses compression level 1, which is lossless and fast.

    Raises:
        ValueError: the format cannot hold the image.
    """
    if image.dtype == np.uint16 and suffix != ".png":
        raise ValueError(f"16-bit images need png, not {suffix}: set the store's format to png.")
    options = {".png": [cv2.IMWRITE_PNG_COMPRESSION, 1], ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality]}.get(suffix, [])
    ok, encoded = cv2.imencode(suffix, image, options)
    if not ok:
        raise ValueError(f"OpenCV cannot encode {image.dtype} {image.shape} as {suffix}.")
    return encoded.tobytes()

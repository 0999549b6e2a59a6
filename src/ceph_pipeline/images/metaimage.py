"""MetaImage (`.mha`) of one slice: a header of text lines, followed by plain or deflated pixels.

SimpleITK is not used, because it takes 262 MB and opens any file that a header names in `ElementDataFile`.

Source: https://itk.org/Wiki/ITK/MetaIO/Documentation.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.images.errors import ImageReadError
from ceph_pipeline.images.header import ImageHeader, believable, require_readable_size

_LINES, _LINE_BYTES = 100, 4096
_TYPES: dict[str, np.dtype[Any]] = {"MET_UCHAR": np.dtype(np.uint8), "MET_USHORT": np.dtype(np.uint16)}


def metaimage_header(stream: BinaryIO) -> ImageHeader:
    """The header of a MetaImage of one slice.

    Raises:
        ImageReadError: unsupported layout; the message describes it.
        ValueError: an invalid number.
    """
    fields = _fields(stream)
    width, height = _size(fields)
    x, y = ([float(part) for part in fields.get("ElementSpacing", "").split()] + [math.nan, math.nan])[:2]
    spacing = believable(x, y)
    return ImageHeader(
        kind="metaimage",
        stored_size=(width, height),
        bits=8 * _dtype(fields).itemsize,
        spacing_mm=spacing,
        spacing_source="metaimage_element_spacing" if spacing else None,
    )


def decode_metaimage(stream: BinaryIO, name: str) -> NDArray[Any]:
    """The pixels `(height, width[, channels])`.

    Raises:
        ImageReadError: too few bytes, too large, or unsupported layout.
        zlib.error: damaged compression.
    """
    fields = _fields(stream)
    width, height = _size(fields)
    require_readable_size(width, height, name)
    channels, dtype = int(fields.get("ElementNumberOfChannels", "1")), _dtype(fields)
    if not 1 <= channels <= 4:
        raise ImageReadError(f"ElementNumberOfChannels = {channels}, expected 1, or 3 for colours")
    needed = width * height * channels * dtype.itemsize
    if _is(fields, "CompressedData"):
        inflater = zlib.decompressobj()
        data = inflater.decompress(stream.read(), needed)
        inflater.decompress(inflater.unconsumed_tail, 1)  # also reads the checksum at the end
        if not inflater.eof:
            raise ImageReadError("the compressed pixels do not have the length in the header")
    else:
        data = stream.read(needed)
    if len(data) < needed:
        raise ImageReadError(f"{len(data)} bytes of pixels, expected {needed}")
    order: Literal["<", ">"] = ">" if _is(fields, "BinaryDataByteOrderMSB") or _is(fields, "ElementByteOrderMSB") else "<"
    pixels = np.frombuffer(data, dtype.newbyteorder(order)).astype(dtype)
    return pixels.reshape((height, width) if channels == 1 else (height, width, channels))


def _fields(stream: BinaryIO) -> dict[str, str]:
    """The header's `key = value` lines, up to `ElementDataFile`, which is the last."""
    fields: dict[str, str] = {}
    for _ in range(_LINES):
        key, equals, value = stream.readline(_LINE_BYTES).decode("ascii", "replace").partition("=")
        if not equals:
            break
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            if value.strip() != "LOCAL":
                raise ImageReadError("pixels in another file (ElementDataFile), expected LOCAL; save it as one .mha file")
            return fields
    raise ImageReadError("no line 'ElementDataFile = LOCAL' at the end of the header")


def _size(fields: dict[str, str]) -> tuple[int, int]:
    sizes = [int(part[:9]) for part in fields.get("DimSize", "").split()]
    if len(sizes) < 2 or any(size != 1 for size in sizes[2:]):
        raise ImageReadError(f"DimSize = {fields.get('DimSize', '')[:60]!r}, expected one slice 'width height'")
    return sizes[0], sizes[1]


def _dtype(fields: dict[str, str]) -> np.dtype[Any]:
    found = fields.get("ElementType", "").removesuffix("_ARRAY")
    if found not in _TYPES:
        raise ImageReadError(f"ElementType = {found[:40]!r}; expected 8 or 16 unsigned bits ({', '.join(_TYPES)})")
    return _TYPES[found]


def _is(fields: dict[str, str], key: str) -> bool:
    return fields.get(key, "").lower() == "true"

"""Detection of the kind of image by a file's first bytes, independent of its name."""

from __future__ import annotations

from typing import Literal

Kind = Literal["png", "jpeg", "bmp", "tiff", "webp", "jpeg2000", "metaimage", "dicom"]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".jp2", ".mha", ".dcm", ".dicom")
"""Lower-case suffixes of film files."""

MAX_PIXELS = 100_000_000
"""Larger images are rejected before they are decoded. The largest public cephalograms have 20 megapixels."""

HEAD_BYTES = 132
"""Number of first bytes needed for detection: DICOM's mark follows a preamble of 128 bytes."""

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"ObjectType", "metaimage"),
    (b"NDims", "metaimage"),
)


def kind_of(head: bytes) -> Kind | None:
    """The kind of image that begins with `head`, its first `HEAD_BYTES`; None for anything else."""
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)

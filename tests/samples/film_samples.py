"""Films of every kind, and ways to damage them."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image


def wedge(dtype: type = np.uint8, size: tuple[int, int] = (160, 200)) -> np.ndarray:
    """Grey levels that differ from corner to corner, with a bright block in the upper left one and some grain."""
    width, height = size
    grain = np.random.default_rng(0).integers(0, 12, (height, width))
    grey = 30 + np.linspace(0, 100, width)[None] + np.linspace(0, 60, height)[:, None] + grain
    grey[: height // 4, : width // 3] = 240
    return (grey * (257 if dtype is np.uint16 else 1)).astype(dtype)


def pillow(image: np.ndarray, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format, **options)
    return stream.getvalue()


def opencv(image: np.ndarray, suffix: str, *options: int) -> bytes:
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


def tiff(image: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, image, **options)
    return stream.getvalue()


def metaimage(image: np.ndarray, *, extra: str = "", data: bytes | None = None) -> bytes:
    kind = {"uint8": "MET_UCHAR", "uint16": "MET_USHORT"}[str(image.dtype)]
    head = (
        f"ObjectType = Image\nNDims = 2\nBinaryData = True\nBinaryDataByteOrderMSB = False\n{extra}"
        f"DimSize = {image.shape[1]} {image.shape[0]}\nElementSpacing = 0.1 0.1\nElementType = {kind}\nElementDataFile = LOCAL\n"
    )
    return head.encode() + (image.tobytes() if data is None else data)


def dicom(image: np.ndarray, *, photometric: str = "MONOCHROME2", **attributes: object) -> bytes:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.PatientName = "Mustermann^Erika"
    dataset.Rows, dataset.Columns = image.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, photometric, 0
    dataset.BitsAllocated = dataset.BitsStored = 8 * image.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = image.tobytes()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[274] = orientation
    return tags.tobytes()


SOUND: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": lambda image: opencv(image, ".png"),
    "jpg": lambda image: opencv(image, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95),
    "jpg-progressive": lambda image: opencv(image, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "bmp": lambda image: opencv(image, ".bmp"),
    "webp": lambda image: pillow(image, "WEBP", lossless=True),
    "jp2": lambda image: pillow(image, "JPEG2000"),
    "tif": tiff,
    "tif-lzw": lambda image: tiff(image, compression="lzw", rowsperstrip=16),
    "tif-deflate": lambda image: tiff(image, compression="zlib", rowsperstrip=16),
    "tif-packbits": lambda image: tiff(image, compression="packbits", rowsperstrip=16),
    "mha": metaimage,
    "dcm": dicom,
}
"""Encoders of 8-bit films; what comes before a dash is the suffix."""

DAMAGES = ("cut", "cut with end marker", "hole", "small hole", "noise", "flipped bits", "cut header", "bytes after the end")
_END = {"jpg": b"\xff\xd9", "png": b"\0\0\0\0IEND\xaeB`\x82"}


def damage(content: bytes, how: str, kind: str, seed: int) -> bytes:
    """A damaged copy."""
    draw, length, broken = random.Random(seed), len(content), bytearray(content)
    if how == "cut":
        return content[: int(length * draw.uniform(0.2, 0.95))]
    if how == "cut header":
        return content[: draw.randrange(200)]
    if how == "cut with end marker":
        return content[: int(length * draw.uniform(0.5, 0.7))] + _END.get(kind.partition("-")[0], b"")
    if how == "bytes after the end":
        return content + draw.randbytes(draw.randrange(1, 5000))
    if how == "flipped bits":
        for _ in range(draw.randrange(1, 30)):
            broken[draw.randrange(length)] ^= 1 << draw.randrange(8)
        return bytes(broken)
    size = int(length * draw.uniform(0.02, 0.4)) if how == "hole" else max(16, length // 20)
    start = draw.randrange(length // 10, length - size)
    broken[start : start + size] = draw.randbytes(size) if how == "noise" else bytes(size)
    return bytes(broken)


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path

"""A folder of images under identifiers, on disk or on object storage."""

from __future__ import annotations

import io
import mmap
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ceph_pipeline.artifacts import Folder, sweep
from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.images.codec import ImageReadError, decode_image, encode_image
from ceph_pipeline.landmarks.tables import IDENTIFIER

if TYPE_CHECKING:
    from pathlib import Path

    from ceph_pipeline.images.codec import GreyImage

ImageFormat = Literal["png", "jpg", "bmp", "npy"]


class ImageStore:
    """Reads and writes single-channel images by identifier.

    A store is a small picklable handle: workers receive it and touch the pixels themselves. An image is there whole or not
    at all.

        store = ImageStore("data/05_model_input/augmented")
        store.write("ceph_001", image)
        image = store.read("ceph_001")

    Args:
        path: Folder or any fsspec URL (`s3://bucket/prefix`).
        format: `png` (lossless), `jpg`, `bmp`, or `npy` (raw, memory-mapped when read from a local disk).
        quality: JPEG quality, 1–100.
        credentials: Options for the file system.
    """

    def __init__(
        self, path: str, *, format: ImageFormat = "png", quality: int = 95, credentials: dict[str, Any] | None = None
    ) -> None:
        self.path = str(path).rstrip("/")
        self.format = format
        self.quality = quality
        self.folder = Folder(self.path, credentials or {})
        self._local = self.folder.path if self.folder.is_local else None

    def __repr__(self) -> str:
        return f"ImageStore({self.path!r}, format={self.format!r})"

    def location(self, image_id: str) -> str:
        """Path or URL of an image.

        Raises:
            ValueError: the identifier cannot be a file name.
        """
        return f"{self.path}/{self._name(image_id)}"

    def ids(self) -> set[str]:
        """Identifiers of every whole image, seen in one listing."""
        ending = f".{self.format}"
        return {name.removesuffix(ending) for name in self.folder.names() if name.endswith(ending) and not name.startswith(".")}

    def exists(self, image_id: str) -> bool:
        """Whether the image has been written."""
        return self.folder.exists(self._name(image_id))

    def read(self, image_id: str) -> GreyImage:
        """The image `(height, width)`; of `npy` stores read-only, and memory-mapped from a local disk.

        Raises:
            ImageReadError: there is no such image, or its file is damaged.
        """
        name = self._name(image_id)
        try:
            if self.format != "npy":
                return decode_image(self.folder.read(name), self.location(image_id))
            return _view(_map(self._local / name) if self._local else self.folder.read(name))
        except FileNotFoundError:
            raise ImageReadError(self._missing([image_id])) from None
        except ImageReadError:
            raise
        except (TypeError, ValueError) as error:
            location = self.location(image_id)
            raise ImageReadError(f"{location}: damaged ({error}). Delete it and run the node that writes it again.") from None

    def require(self, image_ids: Iterable[str]) -> None:
        """Make sure, in one listing, that images are there before hours of work on them begin.

        Raises:
            ImageReadError: some are not.
        """
        missing = sorted(set(image_ids) - self.ids())
        if missing:
            raise ImageReadError(self._missing(missing))

    def write(self, image_id: str, image: GreyImage) -> int:
        """Encode and store an image; returns the bytes written."""
        name = self._name(image_id)
        if self.format == "npy":
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(image))
            content = buffer.getvalue()
        else:
            content = encode_image(image, f".{self.format}", self.quality)
        self.folder.write(name, content)
        return len(content)

    def link(self, image_id: str, other: ImageStore, other_id: str) -> bool:
        """Give another store's image a second name here: one file, which stays until both names are deleted.

        Returns:
            Whether that could be done: both stores must have one format and lie on one disk that knows hard links.
        """
        if self._local is None or other._local is None or self.format != other.format:
            return False
        file = self._local / self._name(image_id)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            file.hardlink_to(other._local / other._name(other_id))
        except OSError:
            return False
        return True

    def discard(self, image_ids: Iterable[str]) -> None:
        """Delete images that are there."""
        self.folder.remove([self._name(image_id) for image_id in sorted(image_ids)])

    def clear(self) -> None:
        """Delete every image, in whatever format an earlier run wrote it."""
        endings = tuple(f".{ending}" for ending in get_args(ImageFormat))
        self.folder.remove([name for name in self.folder.names() if name.endswith(endings) and not name.startswith(".")])

    def sweep(self) -> None:
        """Delete what a killed run left half-written."""
        if self._local is not None:
            sweep(self._local)

    def _missing(self, image_ids: Sequence[str]) -> str:
        rest = len(image_ids) - 1
        others = f", nor {'is 1 other' if rest == 1 else f'are {rest} others'} that the work needs" if rest else ""
        return (
            f"{self.location(image_ids[0])} is not there{others}. Run the pipeline again that fills the store, which makes what "
            "is missing: ingestion for the cache of the sources, augmentation for the copies."
        )

    def _name(self, image_id: str) -> str:
        if not re.fullmatch(IDENTIFIER, image_id):
            raise InvalidValueError(f"image identifier {image_id!r} cannot be a file name; expected {IDENTIFIER}.")
        return f"{image_id}.{self.format}"


def _map(file: Path) -> mmap.mmap:
    """A file's content, mapped into memory to be read only."""
    with file.open("rb", buffering=0) as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _view(content: mmap.mmap | bytes) -> GreyImage:
    """The array of an npy file, without a copy; `np.load` parses the header anew each time and takes three times as long.

    Raises:
        TypeError: it is too short.
        ValueError: it is no npy file of numbers.
    """
    shape, dtype, offset = _layout(content[: 10 + int.from_bytes(content[8:10], "little")])
    return np.ndarray(shape, dtype, content, offset)


@lru_cache(maxsize=256)
def _layout(header: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and place of an npy file's numbers; images of one size share their header."""
    file = io.BytesIO(header)
    if np.lib.format.read_magic(file) != (1, 0):
        raise InvalidValueError("no npy file of version 1.0")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    if fortran_order or dtype.hasobject:
        raise InvalidValueError("no rows of numbers")
    return shape, dtype, file.tell()

"""A folder of images by identifier, on disk or on object storage."""

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

    A store is a small picklable handle, so that workers can read and write the pixels themselves. Images are written atomically.

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
            ValueError: the identifier is not a safe file name.
        """
        return f"{self.path}/{self._name(image_id)}"

    def ids(self) -> set[str]:
        """Identifiers of all complete images, from one listing."""
        ending = f".{self.format}"
        return {name.removesuffix(ending) for name in self.folder.names() if name.endswith(ending) and not name.startswith(".")}

    def exists(self, image_id: str) -> bool:
        """Whether the image has been written."""
        return self.folder.exists(self._name(image_id))

    def read(self, image_id: str) -> GreyImage:
        """The image `(height, width)`; images of `npy` stores are read-only and, on a local disk, memory-mapped.

        Raises:
            ImageReadError: the image does not exist, or its file is damaged.
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
        """Check with one listing that images exist, before long computations begin.

        Raises:
            ImageReadError: some images do not exist.
        """
        missing = sorted(set(image_ids) - self.ids())
        if missing:
            raise ImageReadError(self._missing(missing))

    def write(self, image_id: str, image: GreyImage) -> int:
        """Encode and store an image; returns the number of bytes written."""
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
        """Add a hard link to another store's image: one file, which exists until both names are deleted.

        Returns:
            Whether the link was made: both stores must have the same format and be on the same disk with hard links.
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
        """Delete the images that exist."""
        self.folder.remove([self._name(image_id) for image_id in sorted(image_ids)])

    def clear(self) -> None:
        """Delete all images, in any format of earlier runs."""
        endings = tuple(f".{ending}" for ending in get_args(ImageFormat))
        self.folder.remove([name for name in self.folder.names() if name.endswith(endings) and not name.startswith(".")])

    def sweep(self) -> None:
        """Delete incomplete files of killed runs."""
        if self._local is not None:
            sweep(self._local)

    def _missing(self, image_ids: Sequence[str]) -> str:
        rest = len(image_ids) - 1
        others = f", and {rest} other required {'image is' if rest == 1 else 'images are'} missing too" if rest else ""
        return (
            f"{self.location(image_ids[0])} does not exist{others}. Run the pipeline that fills the store again, which adds "
            "missing images: ingestion for the cache of the sources, augmentation for the copies."
        )

    def _name(self, image_id: str) -> str:
        if not re.fullmatch(IDENTIFIER, image_id):
            raise InvalidValueError(f"image identifier {image_id!r} is not a safe file name; expected {IDENTIFIER}.")
        return f"{image_id}.{self.format}"


def _map(file: Path) -> mmap.mmap:
    """A file's content, memory-mapped read-only."""
    with file.open("rb", buffering=0) as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _view(content: mmap.mmap | bytes) -> GreyImage:
    """The array of an npy file, without a copy; `np.load` parses the header each time and takes three times as long.

    Raises:
        TypeError: the content is too short.
        ValueError: the content is not an npy file of numbers.
    """
    shape, dtype, offset = _layout(content[: 10 + int.from_bytes(content[8:10], "little")])
    return np.ndarray(shape, dtype, content, offset)


@lru_cache(maxsize=256)
def _layout(header: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and offset of an npy file's numbers; images of one size have the same header."""
    file = io.BytesIO(header)
    if np.lib.format.read_magic(file) != (1, 0):
        raise InvalidValueError("not an npy file of version 1.0")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    if fortran_order or dtype.hasobject:
        raise InvalidValueError("not an array of numbers in rows")
    return shape, dtype, file.tell()

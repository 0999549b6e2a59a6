"""A folder of images under identifiers, on disk or on object storage."""

from __future__ import annotations

import io
import re
import secrets
from typing import TYPE_CHECKING, Any, Literal

import fsspec
import numpy as np

from ceph_pipeline.images.codec import ImageReadError, decode_image, encode_image
from ceph_pipeline.landmarks.tables import IDENTIFIER

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage

ImageFormat = Literal["png", "jpg", "bmp", "npy"]


class ImageStore:
    """Reads and writes single-channel images by identifier.

    A store is a small picklable handle: workers receive it and touch the pixels themselves. Writes are atomic on local
    disks (temporary name, then rename); object stores publish whole objects anyway.

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
        self.credentials = credentials or {}
        self._fs: fsspec.AbstractFileSystem | None = None
        self._root = ""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_fs": None, "_root": ""}

    def __repr__(self) -> str:
        return f"ImageStore({self.path!r}, format={self.format!r})"

    @property
    def fs(self) -> fsspec.AbstractFileSystem:
        """The file system, opened at first use in each process."""
        if self._fs is None:
            self._fs, self._root = fsspec.core.url_to_fs(self.path, **self.credentials)
        return self._fs

    @property
    def is_local(self) -> bool:
        """Whether the store lies on a local disk."""
        return "file" in self.fs.protocol

    def location(self, image_id: str) -> str:
        """Path of an image inside its file system.

        Raises:
            ValueError: the identifier cannot be a file name.
        """
        if not re.fullmatch(IDENTIFIER, image_id):
            raise ValueError(f"image identifier {image_id!r} cannot be a file name; expected {IDENTIFIER}.")
        self.fs  # noqa: B018 - resolves the root
        return f"{self._root}/{image_id}.{self.format}"

    def exists(self, image_id: str) -> bool:
        """Whether the image has been written."""
        return bool(self.fs.exists(self.location(image_id)))

    def read(self, image_id: str) -> GreyImage:
        """The image `(height, width)`; read-only and memory-mapped for local `npy` stores.

        Raises:
            FileNotFoundError: no such image.
            ImageReadError: the file is damaged.
        """
        location = self.location(image_id)
        name = f"{self.path}/{image_id}.{self.format}"
        if self.format == "npy":
            return self._read_array(location, name)
        return decode_image(self.fs.cat_file(location), name)

    def _read_array(self, location: str, name: str) -> GreyImage:
        try:
            if self.is_local:
                image: GreyImage = np.load(location, mmap_mode="r", allow_pickle=False)
            else:
                image = np.load(io.BytesIO(self.fs.cat_file(location)), allow_pickle=False)
        except (EOFError, ValueError) as error:
            raise ImageReadError(f"{name}: damaged ({error}). Delete it and run the node that writes it again.") from None
        return image

    def write(self, image_id: str, image: GreyImage) -> int:
        """Encode and store an image; returns the bytes written."""
        if self.format == "npy":
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(image))
            content = buffer.getvalue()
        else:
            content = encode_image(image, f".{self.format}", self.quality)
        location = self.location(image_id)
        if not self.is_local:
            self.fs.pipe_file(location, content)
            return len(content)
        self.fs.makedirs(self._root, exist_ok=True)
        temporary = f"{self._root}/.{image_id}.{secrets.token_hex(4)}"
        try:
            self.fs.pipe_file(temporary, content)
            self.fs.mv(temporary, location)
        finally:
            if self.fs.exists(temporary):
                self.fs.rm_file(temporary)
        return len(content)

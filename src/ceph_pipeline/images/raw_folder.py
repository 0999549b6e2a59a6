"""A raw data set: a folder and its format."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from joblib import cpu_count

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.images.codec import read_image
from ceph_pipeline.images.grey import GreyImage


@dataclass(frozen=True)
class RawFolder:
    """Handle on a raw data set. The folder is local, or a mount that all workers share.

    Attributes:
        root: The data set's folder, or its file for formats of one file.
        format: Name of a format in `ceph_pipeline.formats`.
        images: Folder that contains the images at any depth, if it is a separate folder.
    """

    root: Path
    format: str
    images: Path | None = None

    @property
    def films(self) -> Path:
        """The folder for relative paths in the images table: `images`, the root, or the folder of the data set's file."""
        if self.images is not None:
            return self.images
        return self.root.parent if self.root.is_file() else self.root

    def read(self, path: str) -> GreyImage:
        """Read an image by the `path` of its row in the images table.

        Raises:
            ValueError: the path leads out of the folder.
            ImageReadError: the file is missing or damaged.
        """
        file = Path(os.path.realpath(self.films / path))  # `resolve` would fail on a loop of links
        if not file.is_relative_to(os.path.realpath(self.films)):
            raise InvalidValueError(
                f"{path!r} leads out of the raw folder {self.films}; paths in annotations must stay inside it."
            )
        return read_image(file)

    def stamps(self, paths: Iterable[str]) -> list[str | None]:
        """A digest of all bytes of each file; None if the file does not exist.

        Names, sizes and times are not used. Thus a file that was edited without a change of size and time is detected, and a
        copied file has the same digest.
        """
        with ThreadPoolExecutor(cpu_count()) as pool:  # hashing and reading release Python's global lock
            return list(pool.map(self._stamp, paths))

    def _stamp(self, path: str) -> str | None:
        try:
            with (self.films / path).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        except FileNotFoundError:
            return None

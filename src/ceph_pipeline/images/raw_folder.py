"""A raw data set as it was downloaded: a folder and the format it is in."""

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
    """Handle on a raw data set. The folder is one of this machine, or a mount that every worker sees.

    Attributes:
        root: The data set's folder, or its file, of formats that are one.
        format: Name of a reader in `ceph_pipeline.formats`.
        images: The folder with the images, at any depth, where they lie elsewhere.
    """

    root: Path
    format: str
    images: Path | None = None

    @property
    def films(self) -> Path:
        """The folder that paths in the images table belong to: that of the images, the root, or that of the data set's file."""
        if self.images is not None:
            return self.images
        return self.root.parent if self.root.is_file() else self.root

    def read(self, path: str) -> GreyImage:
        """Read an image by the `path` of its row in the images table.

        Raises:
            ValueError: the path leaves the folder.
            ImageReadError: the file is missing or damaged.
        """
        file = Path(os.path.realpath(self.films / path))  # unlike `resolve`, it leaves a loop of links to be refused as a film
        if not file.is_relative_to(os.path.realpath(self.films)):
            raise InvalidValueError(f"{path!r} leaves the raw folder {self.films}; paths in annotation files must stay inside.")
        return read_image(file)

    def stamps(self, paths: Iterable[str]) -> list[str | None]:
        """A digest of each file's bytes, all of them; None where there is no such file.

        Names, sizes and times say nothing here: a plate that was blacked out in place, under the old time, is noticed, and a
        copied file is not mistaken for another.
        """
        with ThreadPoolExecutor(cpu_count()) as pool:  # hashing and reading leave Python's lock alone
            return list(pool.map(self._stamp, paths))

    def _stamp(self, path: str) -> str | None:
        try:
            with (self.films / path).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        except FileNotFoundError:
            return None

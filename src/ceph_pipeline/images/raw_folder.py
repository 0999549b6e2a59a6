"""A raw data set as it was downloaded: a folder and the format it is in."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.images.codec import read_image
from ceph_pipeline.images.grey import GreyImage

_BLOCKS = 16
_BLOCK_BYTES = 4096


@dataclass(frozen=True)
class RawFolder:
    """Handle on a raw data set. The folder is one of this machine, or a mount that every worker sees.

    Attributes:
        root: The data set's folder, or its file, of formats that are one.
        format: Name of a reader in `ceph_pipeline.formats`.
    """

    root: Path
    format: str

    @property
    def films(self) -> Path:
        """The folder that paths in the images table belong to: the root, or that of the data set's file."""
        return self.root.parent if self.root.is_file() else self.root

    def read(self, path: str) -> GreyImage:
        """Read an image by the `path` of its row in the images table.

        Raises:
            ValueError: the path leaves the folder.
            ImageReadError: the file is missing or damaged.
        """
        file = (self.films / path).resolve()
        if not file.is_relative_to(self.films.resolve()):
            raise InvalidValueError(f"{path!r} leaves the raw folder {self.root}; paths in annotation files must stay inside.")
        return read_image(file)

    def stamp(self, path: str) -> str | None:
        """A digest of a file's length and of 16 blocks spread over it; None where there is no such file.

        A replaced file is noticed without reading gigabytes, and a copied one is not mistaken for another.
        """
        try:
            with (self.films / path).open("rb") as stream:
                length = stream.seek(0, os.SEEK_END)
                digest = hashlib.blake2b(str(length).encode(), digest_size=8)
                for block in range(_BLOCKS):
                    stream.seek(max(0, length - _BLOCK_BYTES) * block // (_BLOCKS - 1))
                    digest.update(stream.read(_BLOCK_BYTES))
        except FileNotFoundError:
            return None
        return digest.hexdigest()

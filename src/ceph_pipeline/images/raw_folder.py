"""A raw data set as it was downloaded: a folder and the format it is in."""

from dataclasses import dataclass
from pathlib import Path

from ceph_pipeline.images.codec import GreyImage, read_image


@dataclass(frozen=True)
class RawFolder:
    """Handle on a raw data set.

    Attributes:
        root: The data set's folder.
        format: Name of a reader in `ceph_pipeline.formats`.
    """

    root: Path
    format: str

    def read(self, path: str) -> GreyImage:
        """Read an image by the `path` of its row in the images table.

        Raises:
            ValueError: the path leaves the folder.
            ImageReadError: the file is missing or damaged.
        """
        file = (self.root / path).resolve()
        if not file.is_relative_to(self.root.resolve()):
            raise ValueError(f"{path!r} leaves the raw folder {self.root}; paths in annotation files must stay inside.")
        return read_image(file)

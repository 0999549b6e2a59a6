"""Images of a table and their pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ceph_pipeline.artifacts import fingerprint

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from ceph_pipeline.images import ImageStore, RawFolder
    from ceph_pipeline.images.codec import GreyImage


@dataclass(frozen=True)
class ImageSet:
    """Images that one stage predicts.

    Attributes:
        rows: `image_id, width, height, pixel_size_mm` of each image.
        read: Returns the pixels of an identifier: of the original or, for stage 1, of a resized image.
        pixels: Digest of the pixels.
    """

    rows: pd.DataFrame
    read: Callable[[str], GreyImage]
    pixels: str

    @classmethod
    def of_cache(cls, rows: pd.DataFrame, cache: ImageStore, cache_index: pd.DataFrame) -> ImageSet:
        """Source images as resized by ingestion."""
        return cls(rows, cache.read, _digest(rows, cache_index))

    @classmethod
    def of_originals(cls, rows: pd.DataFrame, raw: RawFolder, cache_index: pd.DataFrame) -> ImageSet:
        """Source images in their raw files."""
        paths = rows.set_index("image_id")["path"]
        return cls(rows, lambda image_id: raw.read(str(paths[image_id])), _digest(rows, cache_index))

    @classmethod
    def of_copies(cls, rows: pd.DataFrame, store: ImageStore) -> ImageSet:
        """Augmented images."""
        return cls(rows, store.read, fingerprint([fingerprint(store.read(image_id)) for image_id in rows["image_id"].tolist()]))

    @property
    def image_ids(self) -> list[str]:
        """Identifiers, in the order of the rows."""
        return [str(image_id) for image_id in self.rows["image_id"]]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`(N, 2)` width and height of the originals in px."""
        return self.rows[["width", "height"]].to_numpy("int64")

    def only(self, image_ids: set[str]) -> ImageSet:
        """The images with the given identifiers."""
        return replace(self, rows=self.rows[self.rows["image_id"].isin(image_ids)])

    def identity(self) -> dict[str, Any]:
        """The inputs for the fingerprint of a table made from these images, by name."""
        return {"images": fingerprint(self.rows), "pixels": self.pixels}


def _digest(rows: pd.DataFrame, cache_index: pd.DataFrame) -> str:
    """Digest of the pixels of source images, from the index that ingestion wrote."""
    return fingerprint(cache_index[cache_index["image_id"].isin(rows["image_id"])])
